#include "knn.hpp"

#include <bit>
#include <limits>
#include <mutex>
#include <optional>

#include "../core/circulant.hpp"
#include "candidate_lists.hpp"

namespace mmkernels::cpu {
namespace {

// The largest norm and bias of a panel bound the error of all its candidates at once.
struct PanelBounds {
  std::vector<float> norm, bias;

  explicit PanelBounds(const ScoreFrame& frame) {
    const int64_t count = frame.norm.size() / kPanel;
    norm.assign(count, 0.0f);
    bias.assign(count, 0.0f);
    for (int64_t i = 0; i < count * kPanel; ++i) {
      norm[i / kPanel] = std::max(norm[i / kPanel], frame.norm[i]);
      if (std::isfinite(frame.bias[i]))
        bias[i / kPanel] = std::max(bias[i / kPanel], std::abs(frame.bias[i]));
    }
  }
};

class Search {
 public:
  Search(const Features& candidates, const Features* queries, Metric metric, int64_t k,
         const Call& call)
      : candidates_(candidates), queries_(queries ? *queries : candidates),
        symmetric_(!queries), metric_(metric), call_(call),
        candidate_frame_(score_frame(candidates, candidates, metric, call)),
        own_query_frame_(symmetric_ ? ScoreFrame{}
                                    : score_frame(queries_, candidates, metric, call)),
        query_frame_(symmetric_ ? candidate_frame_ : own_query_frame_),
        query_bounds_(query_frame_), candidate_bounds_(candidate_frame_),
        depth_(candidates.view.columns), error_(product_error(depth_)),
        lists_(queries_.view.rows, k, depth_, query_frame_, candidate_frame_) {}

  void run(int64_t k, int64_t* indices, double* scores) {
    const Panels& rows = queries_.panels(call_);
    const Panels& columns = candidates_.panels(call_);
    const int64_t height = panels_per_strip(rows.count, depth_ * kPanel * sizeof(float));
    std::vector<std::optional<ExactScorer>> scorers(call_.threads);
    const auto scorer = [&](int thread) -> ExactScorer& {
      if (!scorers[thread]) scorers[thread].emplace(candidates_, queries_, metric_);
      return *scorers[thread];
    };
    parallel_for(strip_count(rows.count, height), call_, [&](int64_t index, int thread) {
      const Strip strip = strip_at(index, rows.count, height);
      if (symmetric_)
        visit_strip(strip, rows.count,
                    [&](int64_t i, int64_t j) { tile(rows, columns, i, j, scorer(thread)); });
      else
        for (int64_t j = 0; j < columns.count; ++j)
          for (int64_t i = strip.first; i < strip.last; ++i)
            tile(rows, columns, i, j, scorer(thread));
    });
    parallel_for(rows.count, call_, [&](int64_t panel, int thread) {
      const int64_t last = std::min(rows.rows, (panel + 1) * kPanel);
      for (int64_t row = panel * kPanel; row < last; ++row)
        lists_.finish(row, scorer(thread), indices + row * k, scores + row * k);
    });
  }

 private:
  // Limits of a panel's rows less the largest error that a candidate of the other panel can have.
  void limits(int64_t panel, int64_t rows, const ScoreFrame& frame, float other_norm,
              float other_bias, float* out) const {
    const float common = kBiasError * other_bias + underflow_error(depth_);
    for (int r = 0; r < kPanel; ++r) {
      const int64_t row = panel * kPanel + r;
      out[r] = row < rows ? lists_.limit(row) - (error_ * frame.norm[row] * other_norm + common +
                                                 frame.slack[row])
                          : std::numeric_limits<float>::infinity();
    }
  }

  void tile(const Panels& rows, const Panels& columns, int64_t i, int64_t j, ExactScorer& scorer) {
    alignas(64) float values[kTile];
    alignas(64) float row_limit[kPanel], column_limit[kPanel];
    uint32_t row_hits[kPanel], column_hits[kPanel];
    const TileKernels& kernels = tile_kernels();
    kernels.multiply(rows.panel(i), columns.panel(j), depth_, values);
    limits(i, rows.rows, query_frame_, candidate_bounds_.norm[j], candidate_bounds_.bias[j],
           row_limit);
    if (symmetric_ && i != j)
      limits(j, rows.rows, query_frame_, query_bounds_.norm[i], query_bounds_.bias[i],
             column_limit);
    else
      std::fill(column_limit, column_limit + kPanel, std::numeric_limits<float>::infinity());
    const float* row_bias = query_frame_.bias.data() + i * kPanel;
    const float* column_bias = candidate_frame_.bias.data() + j * kPanel;
    const int found = kernels.compare(values, row_bias, column_bias, row_limit, column_limit,
                                      row_hits, column_hits);
    if (found & 1) {
      std::lock_guard lock(lists_.panel_lock(i));
      for (int r = 0; r < kPanel; ++r) {
        uint32_t hits = row_hits[r];
        if (symmetric_ && i == j) hits &= ~(uint32_t{1} << r);
        for (; hits; hits &= hits - 1) {
          const int c = std::countr_zero(hits);
          lists_.append(i * kPanel + r, values[r * kPanel + c] + column_bias[c], j * kPanel + c,
                        scorer);
        }
      }
    }
    if (found & 2) {
      std::lock_guard lock(lists_.panel_lock(j));
      for (int r = 0; r < kPanel; ++r)
        for (uint32_t hits = column_hits[r]; hits; hits &= hits - 1) {
          const int c = std::countr_zero(hits);
          lists_.append(j * kPanel + c, values[r * kPanel + c] + row_bias[r], i * kPanel + r,
                        scorer);
        }
    }
  }

  const Features &candidates_, &queries_;
  const bool symmetric_;
  const Metric metric_;
  const Call& call_;
  const ScoreFrame candidate_frame_, own_query_frame_;
  const ScoreFrame& query_frame_;
  const PanelBounds query_bounds_, candidate_bounds_;
  const int64_t depth_;
  const float error_;
  CandidateLists lists_;
};

}  // namespace

void knn(const Features& candidates, const Features* queries, Metric metric, int64_t k,
         int64_t* indices, double* scores, const Call& call) {
  Search(candidates, queries, metric, k, call).run(k, indices, scores);
}

}  // namespace mmkernels::cpu
