// One round of a meeting: scores of all its pairs, and those that may be among the k best of their
// row or column appended to its list. Each path has its own kernels and its own size of panels.
#pragma once

#include "knn.hpp"

namespace mmkernels::cuda {

// Rows that meet all at once.
inline int64_t panel_rows(Path path) { return path == Path::hopper ? 2 * kBlockRows : kBlockRows; }

inline int64_t panels_of(const NeighborPart& part, Path path) {
  const int64_t rows = panel_rows(path);
  return (part.count + rows - 1) / rows;
}

// filter_pairs: pairs of a part's own panels at distances [nearest, farthest), each unordered pair
// once. filter_parts: its panels with panels [nearest, farthest) of the other part.
namespace general {
void filter_pairs(const NeighborSearch& search, const NeighborPart& part, int64_t nearest,
                  int64_t farthest, Stream stream);
void filter_parts(const NeighborSearch& search, const NeighborPart& rows,
                  const NeighborPart& columns, int64_t nearest, int64_t farthest, Stream stream);
}  // namespace general

namespace hopper {
void filter_pairs(const NeighborSearch& search, const NeighborPart& part, int64_t nearest,
                  int64_t farthest, Stream stream);
void filter_parts(const NeighborSearch& search, const NeighborPart& rows,
                  const NeighborPart& columns, int64_t nearest, int64_t farthest, Stream stream);
}  // namespace hopper

}  // namespace mmkernels::cuda
