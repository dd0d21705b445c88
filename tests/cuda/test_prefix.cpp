#include "prefix_searches.hpp"
#include "shim/fibers.hpp"
#include "synchronisation.hpp"

using namespace mmkernels;
using namespace mmkernels::cuda;
using namespace mmkernels::testing;

namespace {

constexpr Metric kMetrics[] = {Metric::cosine, Metric::inner_product, Metric::euclidean};

// Another one for each schedule that the tests run with.
Metric metric_of_seed() { return kMetrics[shim::control().seed % 3]; }

// The bits of a search without a prefix, which are float64's neighbours.
PrefixSearch check_search(const Matrix& x, Metric metric, int k, const char* what) {
  PrefixSearch with(x, metric, k);
  const Found without = search(x, nullptr, metric, k, path_of_seed());
  CHECK(with.found.indices == without.indices, what, with.directions());
  CHECK(with.found.scores == without.scores, what, with.directions());
  check_found(without, x, nullptr, metric, k, what);
  return with;
}

}  // namespace

TEST(a_prefix_of_a_decaying_spectrum_finds_the_same) {
  const Matrix x = decaying(400, 96, 1);
  const PrefixSearch with = check_search(x, metric_of_seed(), 5, "decaying");
  CHECK(with.directions() == 31, with.directions());
  CHECK(with.used_depth() == 32, with.used_depth());
  CHECK(with.found.overflowed == 0, with.found.overflowed);
  // Without limits of exact scores more than 12.
  CHECK(with.listed_on_average() < 10, with.listed_on_average());
}

TEST(a_prefix_is_as_long_as_it_needs_to_be) {
  // 40 directions count alike and the others hardly: 31 leave far more candidates than 63.
  Matrix x = testing::normal(520, 128, 2);
  for (int64_t i = 0; i < x.rows; ++i)
    for (int64_t c = 40; c < x.columns; ++c) x.at(i, c) *= 0.02f;
  const PrefixSearch with = check_search(x, metric_of_seed(), 5, "40 of 128");
  CHECK(with.directions() == 63, with.directions());
  CHECK(with.used_depth() == 64, with.used_depth());
}

TEST(lists_with_little_room_get_limits_of_exact_scores_between_rounds) {
  const Matrix x = decaying(700, 96, 15);
  PrefixTerms terms = eager_prefix();
  terms.room = 32;
  const Metric metric = metric_of_seed();
  const PrefixSearch with(x, metric, 2, terms);
  CHECK(with.directions() > 0 && with.found.overflowed == 0, with.directions());
  CHECK(with.plan.search.lists.capacity < 320, with.plan.search.lists.capacity);
  const Found without = search(x, nullptr, metric, 2, path_of_seed());
  CHECK(with.found.indices == without.indices && with.found.scores == without.scores);
}

TEST(a_flat_spectrum_gets_no_prefix) {
  const Matrix x = testing::normal(260, 96, 3);
  const PrefixSearch with = check_search(x, metric_of_seed(), 5, "flat");
  CHECK(with.plan.search.prefix.terms.allowed && !with.plan.search.prefix.state->tried);
  CHECK(with.directions() == 0 && with.used_depth() == 96, with.directions(), with.used_depth());
}

TEST(a_spectrum_that_decays_slowly_is_tried_in_vain) {
  const Matrix x = decaying(300, 96, 4, 0.4);
  const PrefixSearch with = check_search(x, metric_of_seed(), 5, "slow decay");
  CHECK(with.plan.search.prefix.state->tried);
  CHECK(with.directions() == 0 && with.used_depth() == 96, with.directions(), with.used_depth());
}

TEST(a_prefix_costs_more_than_it_saves_where_products_are_cheap) {
  const Matrix x = decaying(300, 96, 5);
  PrefixTerms terms = eager_prefix();
  terms.multiply_add = 1e-16;
  const PrefixSearch with(x, metric_of_seed(), 5, terms);
  CHECK(with.plan.search.prefix.state->tried && with.directions() == 0, with.directions());
}

TEST(a_prefix_whose_candidates_may_have_no_room_is_not_chosen) {
  const Matrix x = decaying(300, 96, 5, 0.7);
  PrefixTerms terms = eager_prefix();
  terms.score_again = 0;
  for (int room : {0, 2000}) {
    terms.room = room;
    const PrefixSearch with(x, metric_of_seed(), 5, terms);
    CHECK(with.plan.search.prefix.state->tried);
    CHECK(with.directions() == (room ? 31 : 0), room, with.directions());
  }
}

TEST(candidates_of_all_rows_are_estimated_from_a_sample) {
  if (shim::control().seed > 0) return;
  // An eighth of the rows are looked at: the nearest of them is farther than of all.
  const Matrix x = decaying(1024, 96, 20, 0.6);
  PrefixTerms terms = eager_prefix();
  terms.score_again = 0;
  const PrefixSearch with(x, Metric::inner_product, 1, terms);
  CHECK(with.directions() == 31, with.directions());
  const double estimated = with.plan.search.prefix.state->candidates;
  CHECK_NEAR(estimated / with.listed_on_average(), 1, 0.2, with.listed_on_average());
}

TEST(no_prefix_is_tried_of_few_rows_or_features_or_unless_it_is_allowed) {
  const auto planned = [](int64_t rows, int64_t columns, const PrefixTerms& terms) {
    const Matrix x(rows, columns);
    Workspace workspace;
    const NeighborCall plan = take_neighbor_call(x.view(), std::nullopt, Metric::cosine, 5,
                                                 path_of_seed(), workspace, terms);
    return plan.search;
  };
  CHECK(planned(400, 128, eager_prefix()).prefix.terms.allowed);
  CHECK(!planned(400, 128, {}).prefix.terms.allowed);
  CHECK(!planned(400, 63, eager_prefix()).prefix.terms.allowed);
  CHECK(!planned(200, 128, eager_prefix()).prefix.terms.allowed);
  PrefixTerms terms = eager_prefix();
  terms.least_work = 400.0 * 400 * 128;
  CHECK(planned(400, 128, terms).prefix.terms.allowed);
  CHECK(!planned(399, 128, terms).prefix.terms.allowed);
  CHECK(planned(400, 128, {}).lists.capacity < planned(400, 128, terms).lists.capacity);
}

TEST(prefixes_of_clusters_and_of_rows_far_from_the_origin) {
  Matrix x = decaying(260, 128, 6);
  for (int64_t i = 0; i < x.rows; ++i)
    for (int64_t c = 0; c < x.columns; ++c)
      x.at(i, c) = 0.1f * x.at(i, c) + static_cast<float>((i % 7 * (c + 3) % 11) / (c + 1.0));
  CHECK(check_search(x, metric_of_seed(), 6, "clusters").directions() > 0);
  Matrix far = decaying(260, 128, 7);
  for (float& value : far.values) value += 100;
  CHECK(check_search(far, metric_of_seed(), 6, "far").directions() > 0);
}

TEST(prefixes_of_duplicates_and_heavy_tails) {
  Matrix x = decaying(260, 128, 8);
  for (int64_t i = 90; i < x.rows; ++i)
    for (int64_t c = 0; c < x.columns; ++c) x.at(i, c) = x.at(i % 20, c);
  const PrefixSearch with = check_search(x, metric_of_seed(), 7, "duplicates");
  CHECK(with.directions() > 0, with.directions());
  CHECK(with.found.overflowed == 0, with.found.overflowed);
  Matrix heavy = decaying(260, 128, 9);
  for (int64_t i = 0; i < heavy.rows; ++i)
    for (int64_t c = 0; c < heavy.columns; ++c)
      heavy.at(i, c) *= std::exp(static_cast<float>(i % 23) / 4 - 3);
  CHECK(check_search(heavy, metric_of_seed(), 6, "heavy tails").directions() > 0);
}

TEST(prefixes_of_rows_that_span_few_directions) {
  // Constant columns, and fewer directions than are looked for.
  Matrix x = testing::normal(260, 96, 10);
  for (int64_t i = 0; i < x.rows; ++i)
    for (int64_t c = 12; c < x.columns; ++c)
      x.at(i, c) = c % 3 == 0 ? 5.0f : x.at(i, c % 12) + 0.5f * x.at(i, (c + 1) % 12);
  const PrefixSearch with = check_search(x, metric_of_seed(), 5, "12 directions");
  CHECK(with.directions() == 31, with.directions());
  const double* axes = with.plan.search.prefix.axes;
  for (int64_t c = 0; c < 96; ++c) CHECK(axes[20 * 96 + c] == 0, c);
  CHECK(with.plan.search.prefix.state->defect < 1e-9, with.plan.search.prefix.state->defect);
  // Fewer rows than features; equal rows, which spread along no direction.
  check_search(decaying(257, 270, 11), metric_of_seed(), 5, "D > n");
  Matrix equal(257, 64);
  for (float& value : equal.values) value = 3;
  CHECK(check_search(equal, Metric::euclidean, 3, "equal rows").directions() == 0);
}

TEST(directions_are_orthonormal_where_rows_are_nearly_dependent) {
  const Matrix x = decaying(512, 128, 17, 3);
  const PrefixSearch with(x, Metric::inner_product, 3);
  CHECK(with.directions() > 0);
  // Made orthonormal once they are so to 6e-10.
  const double defect = with.plan.search.prefix.state->defect;
  CHECK(defect > 0 && defect < 1e-11, defect);
}

TEST(unusable_rows_have_no_prefix) {
  Matrix x = decaying(300, 96, 12);
  x.at(299, 3) = NAN;
  const PrefixSearch with(x, metric_of_seed(), 2);
  for (int64_t index : with.found.indices) CHECK(index == -1);
  for (double score : with.found.scores) CHECK(std::isnan(score));
  CHECK(with.directions() == 0);
}

TEST(prefixes_are_the_same_bits_for_any_schedule) {
  const Matrix x = decaying(300, 96, 13);
  const uint64_t seed = shim::control().seed;
  const PrefixSearch once(x, Metric::cosine, 9);
  shim::control().seed = seed + 17;
  const PrefixSearch again(x, Metric::cosine, 9);
  CHECK(once.found.indices == again.found.indices && once.found.scores == again.found.scores);
  CHECK(once.directions() == again.directions() && once.directions() > 0);
  CHECK(once.listed == again.listed);
}

TEST(no_synchronisation_of_a_prefix_can_be_left_out) {
  if (!testing::is_time_to_leave_out()) return;
  // Two panels of directions.
  const Matrix x = decaying(512, 128, 14);
  const auto packed = [&] {
    NeighborCall plan{};
    testing::Memory memory([&](Workspace& workspace) {
      plan = take_neighbor_call(x.view(), std::nullopt, Metric::cosine, 4, path_of_seed(),
                                workspace, eager_prefix());
    });
    const NeighborSearch& search = plan.search;
    const Prefix& prefix = search.prefix;
    measure_features(search.candidates, nullptr);
    pack_neighbor_part(search.candidate_rows, plan.candidates, search.candidates, false, false,
                       nullptr);
    choose_prefix(prefix, search.candidates, search.candidate_rows, false, 4, search.lists.capacity,
                  nullptr);
    pack_prefix(prefix, search.candidate_rows, plan.candidates, nullptr);
    CHECK(prefix.state->directions > 0);
    std::vector<double> numbers(prefix.axes, prefix.axes + prefix.most * x.columns);
    numbers.push_back(prefix.state->defect);
    numbers.insert(numbers.end(), prefix.counts, prefix.counts + prefix.queries * prefix.most / 16);
    for (int64_t row = 0; row < x.rows; ++row)
      for (int c = 0; c <= prefix.state->directions; ++c)
        numbers.push_back(plan.candidates.values[row * search.candidate_rows.depth + c]);
    return numbers;
  };
  const std::vector<double> usual = packed();
  testing::every_site_matters([&] { CHECK(packed() == usual); });
}
