#include "knn.hpp"

#include <bit>
#include <limits>
#include <mutex>
#include <optional>

#include "../core/circulant.hpp"
#include "candidate_lists.hpp"
#include "equal_rows.hpp"
#include "search_panels.hpp"

namespace mmkernels::cpu {
namespace {

// The largest norm, residual and bias of a panel bound the error of all its candidates at once.
struct PanelBounds {
  std::vector<float> norm, residual, bias;

  explicit PanelBounds(const ScoreFrame& frame) {
    const int64_t count = frame.norm.size() / kPanel;
    norm.assign(count, 0.0f);
    residual.assign(count, 0.0f);
    bias.assign(count, 0.0f);
    for (int64_t i = 0; i < count * kPanel; ++i) {
      norm[i / kPanel] = std::max(norm[i / kPanel], frame.norm[i]);
      residual[i / kPanel] = std::max(residual[i / kPanel], frame.residual[i]);
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
        packed_(pack_for_search(candidates, queries, metric, k, call)),
        own_query_frame_(symmetric_ ? ScoreFrame{}
                                    : score_frame(queries_, packed_.queries.rows, {}, candidates,
                                                  metric)),
        candidate_frame_(frame_of_candidates(k)),
        query_frame_(symmetric_ ? candidate_frame_ : own_query_frame_),
        query_bounds_(query_frame_), candidate_bounds_(candidate_frame_),
        error_(packed_.candidates.values()),
        lists_(queries_.view.rows, k, packed_.candidates.values(), query_frame_, candidate_frame_,
               packed_.order, packed_.order, spare_bytes()) {}

  void run(int64_t k, int64_t* indices, double* scores) {
    scorers_.resize(call_.threads);
    filter();
    for_rows([&](int64_t position, int thread) {
      const int64_t row = row_at(packed_.order, position);
      lists_.finish(position, scorer(thread), indices + row * k,
                    scores ? scores + row * k : nullptr);
    });
  }

 private:
  ScoreFrame frame_of_candidates(int64_t k) const {
    ScoreFrame frame =
        score_frame(candidates_, packed_.candidates.rows, packed_.order, candidates_, metric_);
    std::vector<bool> left_out(candidates_.view.rows);
    for (int64_t row : superfluous_rows(candidates_, k)) left_out[row] = true;
    for (int64_t position = 0; position < candidates_.view.rows; ++position)
      if (left_out[row_at(packed_.order, position)])
        frame.bias[position] = -std::numeric_limits<float>::infinity();
    return frame;
  }

  // body(position, thread) for every query.
  template <class Body>
  void for_rows(Body&& body) {
    const int64_t rows = queries_.view.rows;
    parallel_for(panel_count(rows), call_, [&](int64_t panel, int thread) {
      const int64_t last = std::min(rows, (panel + 1) * kPanel);
      for (int64_t row = panel * kPanel; row < last; ++row) body(row, thread);
    });
  }

  // Beside the packed rows a search takes about what they would in float32, plus 32 MiB.
  int64_t spare_bytes() const {
    const Panels& rows = packed_.candidates;
    return rows.count * (candidates_.view.columns * kPanel * 4 - rows.panel_bytes()) +
           (int64_t{32} << 20);
  }

  ExactScorer& scorer(int thread) {
    if (!scorers_[thread]) scorers_[thread].emplace(candidates_, queries_, metric_);
    return *scorers_[thread];
  }

  void filter() {
    const Panels& columns = packed_.candidates;
    if (packed_.order.empty()) {
      // Samples that are sorted by similarity must not arrive each better than all before it.
      const Panels& rows = symmetric_ ? columns : packed_.queries;
      const ScatteredOrder row_order(rows.count), column_order(columns.count);
      pass(rows, 0, rows.count, row_order, column_order);
    } else {
      // Those near by come first: with their limits, few of the others pass.
      const auto as_packed = [](int64_t i) { return i; };
      constexpr int64_t near = 2;
      pass(columns, 0, near, as_packed, as_packed);
      for_rows([&](int64_t row, int thread) { lists_.settle(row, scorer(thread)); });
      pass(columns, near, columns.count, as_packed, as_packed);
    }
  }

  template <class RowOrder, class ColumnOrder>
  void pass(const Panels& rows, int64_t nearest, int64_t farthest, RowOrder row_order,
            ColumnOrder column_order) {
    const Panels& columns = packed_.candidates;
    const int64_t height = panels_per_strip(rows.count, rows.panel_bytes());
    // Blocks of columns, so that a call can be stopped between them.
    constexpr int64_t block = 256;
    const int64_t blocks = symmetric_ ? 1 : (columns.count + block - 1) / block;
    parallel_for(strip_count(rows.count, height) * blocks, call_, [&](int64_t unit, int thread) {
      const Strip strip = strip_at(unit / blocks, rows.count, height);
      const auto visit = [&](int64_t i, int64_t j) {
        const int64_t row = row_order(i), column = column_order(j);
        alignas(64) float values[kTile];
        rows.multiply(row, columns, column, values);
        collect(values, row, column, scorer(thread));
      };
      if (symmetric_)
        visit_strip(strip, rows.count, nearest, farthest, visit);
      else
        for (int64_t j = unit % blocks * block;
             j < std::min(columns.count, (unit % blocks + 1) * block); ++j)
          for (int64_t i = strip.first; i < strip.last; ++i) visit(i, j);
    });
  }

  // Limits of a panel's rows less the largest error that a candidate of the other panel can have.
  void limits(int64_t panel, const PanelBounds& others, int64_t other, float* out) const {
    const float *norm = query_frame_.norm.data() + panel * kPanel,
                *residual = query_frame_.residual.data() + panel * kPanel,
                *slack = query_frame_.slack.data() + panel * kPanel;
    float limit[kPanel];
    for (int r = 0; r < kPanel; ++r) limit[r] = lists_.limit(panel * kPanel + r);
    const float other_norm = others.norm[other], other_residual = others.residual[other],
                other_bias = others.bias[other];
    for (int r = 0; r < kPanel; ++r)
      out[r] = limit[r] -
               error_(norm[r], residual[r], slack[r], other_norm, other_residual, other_bias);
  }

  // Puts into the lists what of a tile can be among somebody's nearest.
  void collect(const float* values, int64_t i, int64_t j, ExactScorer& scorer) {
    alignas(64) float row_limit[kPanel], column_limit[kPanel];
    uint32_t row_hits[kPanel], column_hits[kPanel];
    limits(i, candidate_bounds_, j, row_limit);
    if (symmetric_ && i != j)
      limits(j, query_bounds_, i, column_limit);
    else
      std::fill(column_limit, column_limit + kPanel, std::numeric_limits<float>::infinity());
    const float* row_bias = query_frame_.bias.data() + i * kPanel;
    const float* column_bias = candidate_frame_.bias.data() + j * kPanel;
    const int found = tile_kernels().compare(values, row_bias, column_bias, row_limit,
                                             column_limit, row_hits, column_hits);
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
  const SearchPanels packed_;
  const ScoreFrame own_query_frame_, candidate_frame_;
  const ScoreFrame& query_frame_;
  const PanelBounds query_bounds_, candidate_bounds_;
  const FilterError error_;
  CandidateLists lists_;
  std::vector<std::optional<ExactScorer>> scorers_;
};

}  // namespace

void knn(const Features& candidates, const Features* queries, Metric metric, int64_t k,
         int64_t* indices, double* scores, const Call& call) {
  Search(candidates, queries, metric, k, call).run(k, indices, scores);
}

}  // namespace mmkernels::cpu
