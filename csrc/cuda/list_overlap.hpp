// How many neighbours the lists of two representations have in common. Counts are whole numbers and
// scores float64, so that results do not depend on the order of the rows or of what runs when.
#pragma once

#include <device/runtime.cuh>

#include <vector>

#include "index_lists.hpp"
#include "workspace.hpp"

namespace mmkernels::cuda {

// mutual: mean over rows of c / k, of c indices in common. jaccard: of c / (2 k - c).
enum class OverlapScore { mutual, jaccard };

struct ListOverlap {
  IndexLists left, right;
  int64_t rows;
  int k;
  uint64_t* histogram;  // [k + 1] how many rows have c in common
  int* unusable;        // [1]
};

ListOverlap take_list_overlap(const IndexLists& left, const IndexLists& right, int64_t rows, int k,
                              Workspace& workspace);

// score[0] is written. The k indices of a row are distinct.
void score_overlap(const ListOverlap& overlap, OverlapScore score_of, double* score, Stream stream);

// The mutual score of every list of one sequence with every one of another.
//
// A block puts the lists of up to 32 left layers of a row into one table that says of each index
// which layers hold it, and looks up the lists of 32 right layers in it: every 32 indices are one
// transposition of 32 x 32 bits and a count. The cost of a pair does not depend on how alike it is.
struct OverlapMatrix {
  std::vector<IndexLists> left, right;
  bool symmetric;  // right is left
  int64_t rows;
  int k;
  uint64_t* counts;  // [left][right]
  int* unusable;     // [left + right]
};

// Device memory: 8 bytes for a pair of lists.
OverlapMatrix take_overlap_matrix(std::vector<IndexLists> left, std::vector<IndexLists> right,
                                  bool symmetric, int64_t rows, int k, Workspace& workspace);

// scores: [left][right].
void score_overlaps(const OverlapMatrix& matrix, double* scores, Stream stream);

}  // namespace mmkernels::cuda
