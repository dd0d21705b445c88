// Searches of neighbours on the shim, whole and in parts, and what they are checked against.
#pragma once

#include <algorithm>
#include <numeric>

#include "arrays.hpp"
#include "check.hpp"
#include "knn.hpp"

namespace mmkernels::testing {

using namespace mmkernels::cuda;

// A test of both families of kernels; `path` is which.
#define TEST_OF_EACH_PATH(name)                                \
  static void name(Path path);                                 \
  TEST(name##_by_general_kernels) { name(Path::general); }     \
  TEST(name##_by_kernels_of_hopper) { name(Path::hopper); }    \
  static void name([[maybe_unused]] Path path)

inline double similarity(const Matrix& x, int64_t i, const Matrix& y, int64_t j, Metric metric) {
  double dot = 0, squared_x = 0, squared_y = 0, distance = 0;
  for (int64_t c = 0; c < x.columns; ++c) {
    dot += x.at(i, c) * y.at(j, c);
    squared_x += x.at(i, c) * x.at(i, c);
    squared_y += y.at(j, c) * y.at(j, c);
    distance += (x.at(i, c) - y.at(j, c)) * (x.at(i, c) - y.at(j, c));
  }
  if (metric == Metric::euclidean) return -distance;
  return metric == Metric::inner_product ? dot : dot / (std::sqrt(squared_x) * std::sqrt(squared_y));
}

struct Found {
  std::vector<int64_t> indices;
  std::vector<double> scores;
  int overflowed;
};

inline Found search(const Matrix& x, const Matrix* queries, Metric metric, int k,
                    Path path) {
  NeighborCall plan{};
  const std::optional<ArrayView> of_queries =
      queries ? std::optional(queries->view()) : std::nullopt;
  testing::Memory memory([&](Workspace& workspace) {
    plan = take_neighbor_call(x.view(), of_queries, metric, k, path, workspace);
  });
  const int64_t rows = (queries ? queries : &x)->rows;
  Found found{std::vector<int64_t>(rows * k, -7), std::vector<double>(rows * k, -7), 0};
  find_neighbors(plan, found.indices.data(), found.scores.data(), nullptr);
  if (rows > 0) found.overflowed = *plan.search.lists.overflowed_count;
  return found;
}

// The same order as float64's, up to ties that its own rounding makes or breaks.
inline void check_found(const Found& found, const Matrix& x, const Matrix* queries, Metric metric,
                        int k, const char* what) {
  const Matrix& from = queries ? *queries : x;
  for (int64_t i = 0; i < from.rows; ++i) {
    std::vector<double> all(x.rows);
    double size = 0;
    for (int64_t j = 0; j < x.rows; ++j) {
      all[j] = similarity(from, i, x, j, metric);
      size = std::max(size, std::abs(all[j]));
    }
    std::vector<int64_t> order(x.rows);
    std::iota(order.begin(), order.end(), 0);
    if (!queries) order.erase(order.begin() + i);
    std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return all[a] > all[b]; });
    const double rounding = 1e-13 * size;
    std::vector<bool> taken(x.rows, false);
    for (int r = 0; r < k; ++r) {
      const int64_t index = found.indices[i * k + r];
      CHECK(index >= 0 && index < x.rows && (queries || index != i), what, i, r, index, k);
      CHECK(!taken[index], what, i, r, index);
      taken[index] = true;
      CHECK_NEAR(found.scores[i * k + r], all[index], rounding, what, i, r, k);
      if (index != order[r])
        CHECK_NEAR(all[index], all[order[r]], rounding, what, i, r, index, order[r]);
      if (r > 0) {
        const double before = found.scores[i * k + r - 1], here = found.scores[i * k + r];
        CHECK(before > here || (before == here && found.indices[i * k + r - 1] < index), what, i, r);
      }
    }
  }
}

inline void check_neighbors(const Matrix& x, const Matrix* queries, Metric metric, int k, Path path,
                            const char* what) {
  check_found(search(x, queries, metric, k, path), x, queries, metric, k, what);
}

// The same with rows that come in parts.
inline Found search_in_parts(const Matrix& x, Metric metric, int k, Path path,
                             int64_t part_rows) {
  NeighborSearch plan{};
  std::vector<NeighborPart> parts;
  double* exact = nullptr;
  testing::Memory memory([&](Workspace& workspace) {
    plan = take_neighbor_search(x.view(), std::nullopt, metric, k, false, path, workspace);
    parts.clear();
    for (int64_t first = 0; first < x.rows; first += part_rows) {
      Features part = plan.candidates;
      part.first_row = first;
      part.view.data += first * part.view.row_stride;
      part.view.rows = std::min(part_rows, x.rows - first);
      parts.push_back(take_neighbor_part(part, first, part.view.rows, workspace));
    }
    exact = workspace.take<double>(part_rows * plan.lists.capacity);
  });
  measure_features(plan.candidates, nullptr);
  start_lists(plan, nullptr);
  for (const NeighborPart& part : parts)
    pack_neighbor_part(plan.candidate_rows, part, plan.candidates, true, false, nullptr);
  for (size_t a = 0; a < parts.size(); ++a) meet_itself(plan, parts[a], nullptr);
  for (size_t a = 0; a < parts.size(); ++a)
    for (size_t b = a + 1; b < parts.size(); ++b) meet(plan, parts[a], parts[b], nullptr);
  Found found{std::vector<int64_t>(x.rows * k, -7), std::vector<double>(x.rows * k, -7), 0};
  for (const NeighborPart& queries : parts) {
    collect_overflowed(plan, queries, nullptr);
    for (const NeighborPart& candidates : parts) {
      score_lists(plan, queries, candidates, queries.first, queries.count, exact, nullptr);
      search_overflowed(plan, queries, candidates, found.indices.data(), found.scores.data(), nullptr);
    }
    rank_lists(plan, queries, queries.first, queries.count, exact, found.indices.data(),
               found.scores.data(), nullptr);
  }
  return found;
}

}  // namespace mmkernels::testing
