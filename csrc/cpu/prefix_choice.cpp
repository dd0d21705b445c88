#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <limits>
#include <stdexcept>
#include <string>

#include "prefix.hpp"

namespace mmkernels::cpu {
namespace {

// In multiply-adds of a bfloat16 filter, as measured: one of a projection, and for each candidate
// that the filter leaves, per feature, what lists and scoring again cost over the whole search.
constexpr double kProjection = 2, kCandidate = 160;
// Candidates per neighbour where all coordinates are multiplied.
constexpr double kFullRatio = 1.5;

// How often each neighbour wanted is accompanied by a candidate that a prefix cannot exclude,
// measured on a sample: its first rows look for the `wanted` best of all.
class PrefixTrial {
 public:
  PrefixTrial(const RowSample& sample, const PrincipalAxes& axes, int64_t depth, Metric metric,
              double scale)
      : sample_(sample), axes_(axes), depth_(depth), panels_(sample.panel_count()),
        blocks_(axes.count() / kPanel), projected_(make_aligned<float>(panels_ * blocks_ * kTile)),
        tails_(blocks_ * panels_ * kPanel) {
    for (const RowMoments& moments : sample.moments)
      bias_.push_back(static_cast<float>(
          metric == Metric::euclidean ? -0.5 * moments.square : scale * moments.with_centre));
  }

  // For prefixes of 32, 64, ... directions.
  std::vector<double> candidates_per_neighbor(int64_t wanted, const Call& call) {
    parallel_for(panels_, call, [&](int64_t s, int) { project(s); });
    std::vector<float> exact(kQueries * panels_ * kTile);
    parallel_for(panels_, call, [&](int64_t s, int) {
      for (int64_t q = 0; q < kQueries; ++q)
        tile_kernels().multiply(sample_.panel(q), sample_.panel(s), depth_,
                                exact.data() + (q * panels_ + s) * kTile);
    });
    std::vector<float> limits(kQueries * kPanel);
    for (int64_t i = 0; i < kQueries * kPanel; ++i) limits[i] = limit(exact, i, wanted);
    std::vector<int64_t> counts(panels_ * blocks_);
    parallel_for(panels_, call,
                 [&](int64_t s, int) { count(s, limits, counts.data() + s * blocks_); });
    std::vector<double> ratios(blocks_);
    for (int64_t s = 0; s < panels_; ++s)
      for (int64_t b = 0; b < blocks_; ++b) ratios[b] += counts[s * blocks_ + b];
    for (double& ratio : ratios) ratio /= static_cast<double>(kQueries * kPanel * wanted);
    return ratios;
  }

 private:
  static constexpr int64_t kQueries = 2;  // panels

  float* projected(int64_t s, int64_t block) {
    return projected_.get() + (s * blocks_ + block) * kTile;
  }
  float tail(int64_t block, int64_t row) const { return tails_[block * panels_ * kPanel + row]; }

  void project(int64_t s) {
    std::vector<double> out(axes_.count() * kPanel);
    axes_.project(sample_.panel(s), out.data());
    std::copy(out.begin(), out.end(), projected(s, 0));
    for (int r = 0; r < kPanel; ++r) {
      double outside = sample_.moments[s * kPanel + r].square;
      for (int64_t b = 0; b < blocks_; ++b) {
        for (int q = 0; q < kPanel; ++q) {
          const double value = out[(b * kPanel + q) * kPanel + r];
          outside -= value * value;
        }
        tails_[(b * panels_ + s) * kPanel + r] =
            static_cast<float>(std::sqrt(std::max(0.0, outside)));
      }
    }
  }

  float limit(const std::vector<float>& exact, int64_t query, int64_t wanted) const {
    std::vector<float> scores;
    for (int64_t j = 0; j < panels_ * kPanel; ++j)
      if (j != query)
        scores.push_back(exact[(query / kPanel * panels_ + j / kPanel) * kTile +
                               query % kPanel * kPanel + j % kPanel] + bias_[j]);
    std::nth_element(scores.begin(), scores.begin() + (wanted - 1), scores.end(), std::greater<>());
    return scores[wanted - 1];
  }

  void count(int64_t s, const std::vector<float>& limits, int64_t* counts) {
    for (int64_t q = 0; q < kQueries; ++q) {
      float inside[kTile] = {};
      for (int64_t b = 0; b < blocks_; ++b) {
        alignas(64) float tile[kTile];
        tile_kernels().multiply(projected(q, b), projected(s, b), kPanel, tile);
        for (int r = 0; r < kPanel; ++r)
          for (int c = 0; c < kPanel; ++c) {
            const int64_t i = q * kPanel + r, j = s * kPanel + c;
            float& sum = inside[r * kPanel + c];
            sum += tile[r * kPanel + c];
            counts[b] += i != j && sum + tail(b, i) * tail(b, j) + bias_[j] >= limits[i];
          }
      }
    }
  }

  const RowSample& sample_;
  const PrincipalAxes& axes_;
  const int64_t depth_, panels_, blocks_;
  AlignedBuffer<float> projected_;  // [panel][direction][row]
  std::vector<float> tails_;        // [block][row], outside all blocks up to this one
  std::vector<float> bias_;
};

int64_t whole_panels(int64_t count) { return count / kPanel * kPanel; }

bool prefixes_allowed() {
  static const bool allowed = [] {
    const char* text = std::getenv("MMKERNELS_PREFIX");
    const std::string value = text ? text : "";
    if (value == "off") return false;
    if (value.empty() || value == "on") return true;
    throw std::invalid_argument("MMKERNELS_PREFIX is '" + value + "'; it must be on or off.");
  }();
  return allowed;
}

}  // namespace

std::unique_ptr<PrincipalAxes> choose_prefix(const Features& candidates, int64_t queries,
                                             Metric metric, int64_t k, bool bfloat16,
                                             const Call& call) {
  const int64_t n = candidates.view.rows, d = candidates.view.columns;
  if (!prefixes_allowed() || d < 96 || n < 2048 || queries < 2048) return nullptr;
  // A sample and a number of directions that cost a few hundredths of the search.
  const int64_t size = whole_panels(std::clamp<int64_t>(n / 8, 256, 1024));
  const int64_t most = whole_panels(std::min({n / 32, d / 2, size / 2, int64_t{256}}));
  const RowSample sample(candidates, size, call);
  if (3 * sample.effective_dimension() > static_cast<double>(d)) return nullptr;
  auto axes = std::make_unique<PrincipalAxes>(sample, d, most, call);

  // As many of the sample as k are of all candidates.
  const int64_t wanted =
      std::clamp<int64_t>(std::llround(static_cast<double>(k) * size / n), 1, size - 1);
  const std::vector<double> ratios = PrefixTrial(sample, *axes, d, metric, candidates.scale)
                                         .candidates_per_neighbor(wanted, call);
  const bool symmetric = queries == n;
  const double pairs = static_cast<double>(n) * queries / (symmetric ? 2 : 1);
  const double rows = static_cast<double>(n) + (symmetric ? 0 : queries);
  const double slower = bfloat16 ? 1 : 2;  // a multiply-add in float32
  const double listing = static_cast<double>(queries) * k * d * kCandidate;
  double best = 0.9 * (pairs * d * slower + listing * kFullRatio);
  int64_t chosen = 0;
  for (size_t b = 0; b < ratios.size(); ++b) {
    const double count = static_cast<double>((b + 1) * kPanel);
    const double cost =
        pairs * (count + 8) * slower + rows * d * count * kProjection + listing * ratios[b];
    if (cost < best) best = cost, chosen = static_cast<int64_t>(count);
  }
  if (!chosen) return nullptr;
  axes->keep(chosen, call);
  return axes;
}

}  // namespace mmkernels::cpu
