// Exact nearest neighbours in device memory.
//
// 1. Rows are centred, scaled and rounded to float16 (neighbor_operand.hpp); what that and the
//    tensor cores' sums can cost a score is bounded, row by row.
// 2. A product of all pairs of row blocks, each unordered pair once, appends to each row's list the
//    candidates that the bound cannot exclude (sm80_knn_filter.cu). Between rounds of growing width
//    lists are cut to those that can still be among the k best (neighbor_lists.cu).
// 3. What is left, about k and a few, is scored in float64 from the rows as given and ordered:
//    higher similarity, then lower index (neighbor_scores.cu).
// A row whose list overflows (more near-equal candidates than there is room for) is searched again
// in float64 by itself. Nothing is read back by the host.
#pragma once

#include <optional>

#include "features.hpp"
#include "neighbor_operand.hpp"
#include "workspace.hpp"

namespace mmkernels::cuda {

enum class Metric { cosine, inner_product, euclidean };

inline constexpr int kMostNeighbors = 512;

// An entry of a row's list: a candidate's position in the packed operand and its score there.
struct Candidate {
  float score;
  int position;
};

struct NeighborLists {
  int64_t rows;  // padded
  int capacity;
  Candidate* entries;  // [rows][capacity]
  int* counts;         // [rows]; more than the capacity: the list overflowed
  // [rows] A candidate whose score is surely below is none of the k best. +infinity where the row
  // takes no more candidates.
  float* limits;
  int* overflowed;       // [rows] positions of the rows to search by themselves
  int* overflowed_count;  // [1]
};

struct NeighborSearch {
  Metric metric;
  int k;
  bool among_themselves;  // rows are their own candidates; else there are queries
  Features candidates, queries;
  NeighborOperand candidate_rows, query_rows;  // query_rows is candidate_rows without queries
  NeighborLists lists;
};

// Plans a search; k is at most kMostNeighbors and the number of candidates a row has. Device memory:
// 2 n d bytes for the packed rows, 8 (4 k + 160) bytes for a row's list, 50 bytes more for a row,
// and O(n d / 64) for sums.
NeighborSearch take_neighbor_search(const ArrayView& candidates,
                                    const std::optional<ArrayView>& queries, Metric metric, int k,
                                    Workspace& workspace);

// indices, scores: [rows][k], best first. Where the candidates or queries are unusable all indices
// are -1 and all scores NaN.
void search_neighbors(const NeighborSearch& search, int64_t* indices, double* scores, Stream stream);

// The steps of a search.
void start_lists(const NeighborSearch& search, Stream stream);
// Offers the candidates of pairs of blocks at distances [nearest, farthest) to one another's lists.
void filter_pairs(const NeighborSearch& search, int64_t nearest, int64_t farthest, Stream stream);
// Offers the candidates of blocks [first, last) to all queries.
void filter_queries(const NeighborSearch& search, int64_t first, int64_t last, Stream stream);
void cut_lists(const NeighborSearch& search, Stream stream);
void score_lists(const NeighborSearch& search, int64_t* indices, double* scores, Stream stream);

}  // namespace mmkernels::cuda
