#include <cstring>
#include <numeric>

#include "arrays.hpp"
#include "check.hpp"
#include "mlp_reference.hpp"
#include "synchronisation.hpp"

using namespace mmkernels;
using namespace mmkernels::cuda;
using testing::Learned;
using testing::Recipe;
using testing::TaskData;

namespace {

constexpr int64_t kRecorded = 1000;
constexpr TrainingLoss kLosses[] = {TrainingLoss::cross_entropy, TrainingLoss::l1, TrainingLoss::mse};

struct Options {
  TrainingLoss loss = TrainingLoss::cross_entropy;
  int batch_size = 32;
  float clip = 8;
  int64_t epochs_at_once = 100;
};

Ensemble ensemble_of(const std::vector<Recipe>& recipes, const TaskData& data, const Options& options) {
  Ensemble ensemble{{}, options.loss, options.batch_size, options.clip, nullptr, nullptr, nullptr};
  for (const Recipe& recipe : recipes) {
    EnsembleNetwork network{};
    network.shape = recipe.shape;
    network.is_tanh = recipe.is_tanh;
    network.slope = static_cast<float>(recipe.slope);
    network.learning_rate = recipe.learning_rate;
    network.kept = static_cast<float>(1 - recipe.learning_rate * recipe.weight_decay);
    network.epochs = recipe.epochs;
    network.order = recipe.order;
    network.training = data.training();
    network.validation = data.validation();
    network.recorded =
        std::min(kRecorded, recipe.epochs * ((data.n - 1) / options.batch_size + 1));
    place_network(network, options.batch_size);
    ensemble.networks.push_back(network);
  }
  return ensemble;
}

std::vector<Learned> train(const std::vector<Recipe>& recipes, const TaskData& data,
                           const Options& options) {
  Ensemble ensemble = ensemble_of(recipes, data, options);
  testing::Memory memory([&](Workspace& workspace) { take_ensemble(ensemble, workspace); });
  for (size_t i = 0; i < recipes.size(); ++i) {
    const std::vector<float> start = testing::initial_parameters(recipes[i]);
    std::memcpy(ensemble.networks[i].parameters, start.data(), start.size() * sizeof(float));
  }
  start_ensemble(ensemble, nullptr);
  std::vector<int32_t> listed(recipes.size());
  std::iota(listed.begin(), listed.end(), 0);
  int64_t longest = 0;
  for (const Recipe& recipe : recipes) longest = std::max(longest, recipe.epochs);
  for (int64_t done = 0; done < longest; done += options.epochs_at_once)
    train_epochs(ensemble, listed, options.epochs_at_once, nullptr);
  std::vector<Learned> all;
  for (const EnsembleNetwork& network : ensemble.networks) {
    Learned learned;
    learned.losses.assign(network.step_losses, network.step_losses + network.recorded);
    const double* curves = network.curves;
    learned.train.assign(curves, curves + network.epochs);
    learned.valid.assign(curves + network.epochs, curves + 2 * network.epochs);
    learned.score.assign(curves + 2 * network.epochs, curves + 3 * network.epochs);
    learned.best.assign(network.best, network.best + network.shape.parameters());
    learned.best_epoch = network.progress->best_epoch;
    learned.diverged = network.progress->diverged;
    all.push_back(learned);
  }
  return all;
}

void check_equal(const Learned& found, const Learned& wanted, int64_t network) {
  CHECK(found.losses.size() == wanted.losses.size(), network);
  for (size_t i = 0; i < wanted.losses.size(); ++i)
    CHECK_NEAR(found.losses[i], wanted.losses[i], 1e-5 + 2e-5 * wanted.losses[i], network, i);
  for (size_t e = 0; e < wanted.train.size(); ++e) {
    CHECK_NEAR(found.train[e], wanted.train[e], 1e-5 + 2e-5 * wanted.train[e], network, e);
    CHECK_NEAR(found.valid[e], wanted.valid[e], 1e-5 + 2e-5 * wanted.valid[e], network, e);
    CHECK_NEAR(found.score[e], wanted.score[e], 1e-5 + 2e-5 * wanted.score[e], network, e);
  }
  CHECK(found.best_epoch == wanted.best_epoch, network, found.best_epoch, wanted.best_epoch);
  CHECK(found.diverged == 0, network);
  for (size_t i = 0; i < wanted.best.size(); ++i)
    CHECK_NEAR(found.best[i], wanted.best[i], 2e-4, network, i);
}

void check(const std::vector<Recipe>& recipes, const TaskData& data, const Options& options = {}) {
  const std::vector<Learned> found = train(recipes, data, options);
  for (size_t i = 0; i < recipes.size(); ++i) {
    testing::Reference reference(recipes[i], data, options.loss);
    check_equal(found[i], reference.train(options.batch_size, options.clip), i);
  }
}

bool is_same(const Learned& a, const Learned& b) {
  const auto same = [](const auto& x, const auto& y) {
    return x.size() == y.size() && std::memcmp(x.data(), y.data(), x.size() * sizeof x[0]) == 0;
  };
  return same(a.losses, b.losses) && same(a.train, b.train) && same(a.valid, b.valid) &&
         same(a.score, b.score) && same(a.best, b.best) && a.best_epoch == b.best_epoch;
}

// Samples that all warps order at once, and more of them; more than a chunk; a norm that is clipped.
void check_several_of_everything() {
  for (int n : {300, 600})
    check({{.shape = {2, 5, 6, 3}}, {.shape = {1, 9, 6, 3}, .epochs = 6, .seed = 1}},
          TaskData(n, 200, 6, 3), {.batch_size = 150, .clip = 0.05f});
}

}  // namespace

TEST(a_step_is_that_of_float64) {
  for (TrainingLoss loss : kLosses)
    for (bool is_tanh : {false, true})
      check({{.shape = {3, 12, 7, 3}, .is_tanh = is_tanh, .learning_rate = 5e-3, .order = 3}},
            TaskData(107, 50, 7, 3), {.loss = loss, .batch_size = 31});
  check({{.shape = {3, 12, 7, 3}, .slope = 0}}, TaskData(107, 50, 7, 3));
}

TEST(networks_of_any_shape_are_trained) {
  for (int width : {1, 5, 12, 32})
    for (int depth : {1, 10}) {
      const int inputs = width == 5 ? 19 : 3, outputs = width == 12 ? 32 : 2;
      check({{.shape = {depth, width, inputs, outputs}, .epochs = 2}},
            TaskData(53, 21, inputs, outputs));
    }
}

TEST(large_batches_and_short_last_ones_are_learned) {
  check({{.shape = {2, 12, 12, 4}, .epochs = 2}}, TaskData(700, 130, 12, 4), {.batch_size = 512});
  check({{.shape = {2, 12, 12, 4}}}, TaskData(3, 1, 12, 4), {.batch_size = 512});
  check({{.shape = {2, 12, 12, 4}}}, TaskData(1, 2, 12, 4), {.batch_size = 1});
}

TEST(what_shared_memory_does_not_hold_is_learned_in_global_memory) {
  const TaskData data(40, 21, 12, 4);
  const std::vector<Recipe> recipes{{.shape = {14, 32, 12, 4}, .epochs = 2}, {.shape = {2, 12, 12, 4}}};
  const Ensemble placed = ensemble_of(recipes, data, {});
  CHECK(!placed.networks[0].is_in_shared && placed.networks[1].is_in_shared);
  check(recipes, data);
}

TEST(networks_take_smaller_chunks_where_larger_ones_do_not_fit) {
  const TaskData data(150, 70, 12, 4);
  const std::vector<Recipe> recipes{{.shape = {10, 12, 12, 4}, .epochs = 1},
                                    {.shape = {12, 12, 12, 4}, .epochs = 1},
                                    {.shape = {6, 32, 12, 4}, .epochs = 1}};
  Options options{.batch_size = 130};
  const Ensemble placed = ensemble_of(recipes, data, options);
  CHECK(placed.networks[0].chunk == 128 && placed.networks[1].chunk == 64);
  CHECK(placed.networks[2].chunk == 32 && placed.networks[2].is_in_shared);
  check(recipes, data, options);
}

TEST(gradients_are_clipped) {
  check({{.shape = {2, 12, 7, 3}}}, TaskData(107, 50, 7, 3), {.loss = TrainingLoss::mse, .clip = 0.01f});
}

TEST(many_networks_are_each_trained_alone_in_any_number_of_launches) {
  const TaskData data(9, 5, 4, 3);
  std::vector<Recipe> recipes;
  for (int i = 0; i < 300; ++i)
    recipes.push_back({.shape = {1 + i % 3, 1 + i % 7, 4, 3},
                       .learning_rate = 1e-3 * (1 + i % 4),
                       .epochs = 1 + i % 3,
                       .order = static_cast<uint64_t>(i % 5),
                       .seed = static_cast<uint64_t>(i)});
  const std::vector<Learned> at_once = train(recipes, data, {});
  const std::vector<Learned> in_parts = train(recipes, data, {.epochs_at_once = 1});
  for (size_t i = 0; i < recipes.size(); ++i) CHECK(is_same(at_once[i], in_parts[i]), i);
  for (size_t i : {size_t{0}, size_t{101}, size_t{299}}) {
    CHECK(is_same(train({recipes[i]}, data, {})[0], at_once[i]), i);
    check({recipes[i]}, data);
  }
}

TEST(results_are_the_same_in_any_order_of_threads) {
  static std::vector<Learned> first;
  const std::vector<Learned> found =
      train({{.shape = {3, 12, 12, 4}}}, TaskData(300, 70, 12, 4), {.batch_size = 200});
  if (first.empty()) first = found;
  CHECK(is_same(found[0], first[0]));
}

TEST(a_network_that_diverges_ends_and_others_go_on) {
  const TaskData data(90, 20, 5, 3);
  const std::vector<Recipe> recipes{{.shape = {2, 8, 5, 3}, .learning_rate = 1e30, .epochs = 4},
                                    {.shape = {2, 8, 5, 3}, .epochs = 4}};
  const std::vector<Learned> found = train(recipes, data, {.loss = TrainingLoss::mse});
  CHECK(found[0].diverged == 1 && found[0].best_epoch == 0, found[0].diverged);
  CHECK(found[0].best == testing::initial_parameters(recipes[0]));
  CHECK(std::isnan(found[0].train[0]) && std::isnan(found[0].valid[0]));
  CHECK(std::isfinite(found[0].losses[0]) && !std::isfinite(found[0].losses[1]));
  CHECK(std::isnan(found[0].losses[2]) && found[0].losses.size() == 12);
  testing::Reference reference(recipes[1], data, TrainingLoss::mse);
  check_equal(found[1], reference.train(32, 8), 1);
}

TEST(no_synchronisation_of_an_ensemble_can_be_left_out) {
  if (!testing::is_time_to_leave_out()) return;
  CHECK(testing::every_site_matters(check_several_of_everything) == 10);
}
