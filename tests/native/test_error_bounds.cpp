// The bounds that let a low-precision product, or one of leading directions, choose candidates.
#include <vector>

#include "check.hpp"
#include "cpu/exact_scores.hpp"
#include "cpu/prefix.hpp"
#include "samples.hpp"

using namespace mmkernels;
using namespace mmkernels::cpu;
using namespace mmkernels::testing;

namespace {

const Call kCall{2, {}};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int64_t kMany = 640;
#else
constexpr int64_t kMany = 4500;  // some ten million pairs
#endif

struct Tally {
  int64_t pairs = 0, outside = 0, outside_smaller = 0;
};

// Holds the true score of every pair against the interval that a tile value stands for, and against
// the one that an error bound `smaller` times as large would give.
Tally tally(const Features& features, const Panels& panels, Metric metric, double smaller) {
  const ScoreFrame frame = score_frame(features, panels.rows, {}, features, metric);
  const FilterError error(panels.values());
  ExactScorer exact(features, features, metric);
  Tally tally;
  for (int64_t i = 0; i < panels.count; ++i)
    for (int64_t j = i; j < panels.count; ++j) {
      alignas(64) float tile[kTile];
      panels.multiply(i, panels, j, tile);
      for (int64_t row = i * kPanel; row < std::min(features.view.rows, (i + 1) * kPanel); ++row) {
        exact.set_query(row);
        for (int64_t other = std::max(row + 1, j * kPanel);
             other < std::min(features.view.rows, (j + 1) * kPanel); ++other) {
          const double truth = exact(other) * frame.factor - frame.offset[row];
          const double value = tile[row % kPanel * kPanel + other % kPanel] + frame.bias[other];
          const double hidden = 2.000002 * frame.tail[row] * frame.tail[other];
          const double bound =
              error(frame.norm[row], frame.residual[row], frame.slack[row], frame.norm[other],
                    frame.residual[other], std::abs(frame.bias[other]));
          const auto outside = [&](double reach) {
            return !(truth <= value + reach && truth >= value - reach - hidden);
          };
          ++tally.pairs;
          tally.outside += outside(bound);
          tally.outside_smaller += outside(bound * smaller);
        }
      }
    }
  return tally;
}

std::vector<bool> precisions() {
  return tile_kernels().multiply_bfloat16 ? std::vector{false, true} : std::vector{false};
}

// Float32 bounds are far from tight: they allow every rounding to go the same way.
double too_small(bool bfloat16) { return bfloat16 ? 0.1 : 1e-4; }

}  // namespace

TEST(error_bounds_of_many_pairs) {
  const Stored stored(gaussian(kMany, 64, 1), Type::float32);
  const Features features(stored.view(), true, Centre::robust, kCall);
  for (const bool bfloat16 : precisions()) {
    const Tally found = tally(features, pack_panels(features, bfloat16, kCall), Metric::cosine,
                              too_small(bfloat16));
    CHECK(found.pairs == kMany * (kMany - 1) / 2, found.pairs);
    CHECK(found.outside == 0, found.outside, "of", found.pairs, "bfloat16", bfloat16);
    CHECK(found.outside_smaller > 0, "a bound too small is not noticed; bfloat16", bfloat16);
  }
}

TEST(error_bounds_of_hostile_data) {
  for (const NamedFactory& data : kAwkward)
    for (const Metric metric : {Metric::cosine, Metric::inner_product, Metric::euclidean})
      for (const bool bfloat16 : precisions()) {
        const Stored stored(data.make(300, 65, 2), Type::float32);
        const Features features(stored.view(), metric == Metric::cosine, Centre::robust, kCall);
        if (!features.usable()) continue;  // a row of zeros has no cosine
        const Tally found = tally(features, pack_panels(features, bfloat16, kCall), metric, 1);
        CHECK(found.outside == 0, found.outside, data.name, "metric", static_cast<int>(metric),
              "bfloat16", bfloat16);
      }
}

TEST(error_bounds_of_leading_directions) {
  for (const Factory make : {decaying, gaussian, hubs, heavy_tailed})
    for (const Metric metric : {Metric::cosine, Metric::inner_product, Metric::euclidean})
      for (const bool bfloat16 : precisions()) {
        const Stored stored(make(500, 160, 3), Type::float32);
        const Features features(stored.view(), metric == Metric::cosine, Centre::robust, kCall);
        const RowSample sample(features, 256, kCall);
        PrincipalAxes axes(sample, 160, 64, kCall);
        axes.keep(32, kCall);
        CHECK(axes.defect() < 1e-4, axes.defect());
        const Panels panels = pack_prefix(features, axes, bfloat16, kCall);
        Tally found = tally(features, panels, metric, 1);
        CHECK(found.outside == 0, found.outside, "metric", static_cast<int>(metric), "bfloat16",
              bfloat16);
      }
}

// What lies outside the directions is needed: without it, true scores are missed.
TEST(error_bounds_without_tails_are_caught) {
  const Stored stored(gaussian(200, 160, 4), Type::float32);
  const Features features(stored.view(), true, Centre::robust, kCall);
  PrincipalAxes axes(RowSample(features, 192, kCall), 160, 32, kCall);
  axes.keep(32, kCall);
  Panels panels = pack_prefix(features, axes, false, kCall);
  for (float& tail : panels.rows.tails) tail = 0;
  CHECK(tally(features, panels, Metric::cosine, 1).outside > 0);
}
