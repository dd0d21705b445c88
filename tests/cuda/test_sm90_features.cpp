// What the Hopper path of feature products has of its own: tiles of two warpgroups, steps of 128
// samples, blocks that go from item to item. What both paths do is in test_feature_products.cpp.
#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>

#include "check.hpp"
#include "feature_reference.hpp"
#include "feature_tiles.cuh"
#include "shim/fibers.hpp"
#include "synchronisation.hpp"

using namespace mmkernels;
using namespace mmkernels::cuda;
using namespace mmkernels::testing;

namespace {

// Sums of squares of the tiles of two sets and their pair, as score_features has them computed.
struct Tiles {
  FeatureAlignment alignment;
  Memory<std::function<void(Workspace&)>> memory;

  Tiles(const Matrix& x, const Matrix& y, int parts)
      : memory([&](Workspace& workspace) {
          alignment = take_feature_alignment({x.view(), y.view()}, 1, false, parts,
                                             FeatureScore::cka, Path::hopper, workspace);
        }) {
    double score = 0;
    score_features(alignment, Estimator::gretton, &score, nullptr);
  }

  std::vector<double> squares() const {
    const int64_t blocks = alignment.table.blocks;
    std::vector<double> found;
    for (int64_t row = 0; row < blocks; ++row)
      for (int64_t column = row; column < blocks; ++column)
        found.push_back(alignment.table.tile_sums[row * blocks + column]);
    return found;
  }

  // The same without dividing samples: `runs` of `run_steps`, which one block adds up.
  std::vector<double> undivided(int64_t run_steps) const {
    const FeatureTable& table = alignment.table;
    TileJob job{};
    job.square = true;
    job.rows = job.columns = table.blocks;
    job.pieces = 1;
    job.slices = 1;
    job.units = job.tiles();
    job.run_steps = run_steps;
    job.steps = (table.samples + kHopperSamples - 1) / kHopperSamples;
    job.runs = (job.steps + run_steps - 1) / run_steps;
    std::fill_n(table.tile_sums, table.blocks * table.blocks, NAN);
    add_hopper_products(table, job, nullptr);
    return squares();
  }
};

void check_same(const std::vector<double>& found, const std::vector<double>& wanted, double share) {
  for (size_t i = 0; i < wanted.size(); ++i)
    CHECK_NEAR(found[i], wanted[i], share * wanted[i], i, wanted.size());
}

// Restores what a test does to the number of multiprocessors.
struct Multiprocessors {
  explicit Multiprocessors(int count) { shim::control().multiprocessors = count; }
  ~Multiprocessors() { shim::control().multiprocessors = shim::Control{}.multiprocessors; }
};

}  // namespace

TEST(hopper_features_of_widths_around_its_tiles) {
  for (auto [n, d_x, d_y] : {std::array<int64_t, 3>{130, 63, 65}, {65, 127, 129}, {64, 256, 1}}) {
    const Matrix x = normal(n, d_x, 1, 3), y = related(x, d_y, 2);
    check_pair(Path::hopper, x, y, 3, FeatureScore::hsic, Estimator::gretton);
  }
}

TEST(hopper_features_of_several_sets) {
  const Matrix x = normal(70, 64, 1), a = related(x, 130, 2), b = related(x, 3, 3);
  const std::vector<const Matrix*> sets{&x, &a, &b};
  std::vector<Rows> rows;
  for (const Matrix* set : sets) rows.push_back(centred(*set, false));
  const auto wanted = [&](int i, int j) {
    return static_cast<double>(hsic_of(rows[i], rows[j], Estimator::song));
  };
  const std::vector<double> all =
      scores(Path::hopper, sets, 3, 3, FeatureScore::cka, Estimator::song);
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j)
      CHECK_NEAR(all[i * 3 + j], wanted(i, j) / std::sqrt(wanted(i, i) * wanted(j, j)), 3e-7, i, j);
  const std::vector<double> cross =
      scores(Path::hopper, sets, 1, 3, FeatureScore::hsic, Estimator::song);
  for (int j : {1, 2})
    CHECK_NEAR(cross[j - 1], wanted(0, j), 3e-7 * std::sqrt(wanted(0, 0) * wanted(j, j)), j);
}

// Errors of the general path are the same: float32 is what limits three parts.
TEST(hopper_features_are_as_precise_as_their_parts) {
  const Matrix x = normal(140, 40, 1), y = related(x, 20, 2);
  const Rows rows_x = centred(x, false), rows_y = centred(y, false);
  const auto hsic = [](const Rows& a, const Rows& b) { return hsic_of(a, b, Estimator::song); };
  const auto wanted = static_cast<double>(
      hsic(rows_x, rows_y) / std::sqrt(hsic(rows_x, rows_x) * hsic(rows_y, rows_y)));
  for (auto [parts, error] : {std::pair{1, 2e-4}, {2, 4e-6}, {3, 5e-8}})
    CHECK_NEAR(scores(Path::hopper, {&x, &y}, 1, parts, FeatureScore::cka, Estimator::song)[0],
               wanted, error, parts);
}

TEST(hopper_features_of_runs_that_one_block_adds_up) {
  const Matrix x = normal(700, 2, 1), y = related(x, 3, 2);
  const Tiles tiles(x, y, 2);
  const std::vector<double> wanted = tiles.squares();
  for (int64_t run_steps : {1, 4, 6}) check_same(tiles.undivided(run_steps), wanted, 1e-6);
}

TEST(hopper_features_have_the_same_bits_on_any_device) {
  const Matrix x = normal(1100, 2, 1), y = related(x, 1, 2);
  static std::optional<double> wanted;  // of the first seed
  for (int count : {1, 9}) {
    const Multiprocessors device(count);
    const double found =
        scores(Path::hopper, {&x, &y}, 1, 3, FeatureScore::cka, Estimator::song)[0];
    if (!wanted) wanted = found;
    CHECK(found == *wanted, found, *wanted, count);
  }
}

TEST(no_synchronisation_of_hopper_features_can_be_left_out) {
  if (!is_time_to_leave_out()) return;
  const Matrix x = normal(70, 70, 1), y = related(x, 70, 2);
  const Matrix few = normal(300, 2, 1), other = related(few, 2, 2);
  const Tiles tiles(few, other, 3);
  const std::vector<double> wanted = tiles.squares();
  // Three units, so that a block only passes steps on, between slices of which it has its own.
  const Matrix odd = normal(1100, 2, 1), partner = related(odd, 1, 2);
  const auto score = [&] {
    const Multiprocessors device(1);
    return scores(Path::hopper, {&odd, &partner}, 1, 3, FeatureScore::cka, Estimator::song)[0];
  };
  const double whole = score();
  every_site_matters([&] {
    CHECK(score() == whole);
    check_pair(Path::hopper, x, y, 3, FeatureScore::cka, Estimator::song);
    check_same(tiles.undivided(2), wanted, 1e-6);
  });
}
