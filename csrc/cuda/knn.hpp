// Exact nearest neighbours in device memory.
//
// 1. Rows are centred, scaled and rounded to float16 (neighbor_operand.hpp); what that and the
//    tensor cores' sums can cost a score is bounded, row by row.
// 2. A product of all pairs of row blocks, each unordered pair once, appends to each row's list the
//    candidates that the bound cannot exclude (knn_filter.hpp). Between rounds of growing width
//    lists are cut to those that can still be among the k best (neighbor_lists.cu).
// 3. What is left, about k and a few, is scored in float64 from the rows as given and ordered:
//    higher similarity, then lower index (neighbor_scores.cu).
// Where features are unequally important, a few directions may be multiplied in their place
// (prefix.hpp), and limits are raised by exact scores between rounds (neighbor_limits.cu).
// A row whose list overflows (more near-equal candidates than there is room for) is searched again
// in float64 by itself. Nothing is read back by the host.
#pragma once

#include <optional>

#include "features.hpp"
#include "neighbor_operand.hpp"
#include "path.hpp"
#include "prefix.hpp"
#include "tiling.hpp"
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
  Path path;
  Tiling tiling;  // of the Hopper path
  bool among_themselves;  // rows are their own candidates; else there are queries
  Features candidates, queries;  // without queries both are the same
  NeighborOperand candidate_rows, query_rows;
  NeighborLists lists;
  Prefix prefix;  // allowed only where all rows are in device memory, and their own candidates
};

// Where all rows are in device memory.
struct NeighborCall {
  NeighborSearch search;
  NeighborPart candidates, queries;
  double* exact;  // of kScoredAtOnce values
};

// Similarities kept at the same time: 64 MiB, or one row's.
inline constexpr int64_t kScoredAtOnce = int64_t{1} << 23;

// Plans a call; k is at most kMostNeighbors and the number of candidates a row has. Device memory:
// 2 n d bytes for the packed rows, 8 (4 k + 160) bytes for a row's list (on the Hopper path 2048 at
// least), some 70 bytes more for a row, 64 MiB, and 8 n d / 512 bytes for sums. Where a prefix is
// tried, 8 (4 k + 1024) bytes more for a list, and some 20,000 d and 4 MiB.
NeighborCall take_neighbor_call(const ArrayView& candidates,
                                const std::optional<ArrayView>& queries, Metric metric, int k,
                                Path path, Workspace& workspace, const PrefixTerms& prefix = {});

// indices, scores: [rows][k], best first. Where the candidates or queries are unusable all indices
// are -1 and all scores NaN.
void find_neighbors(const NeighborCall& call, int64_t* indices, double* scores, Stream stream);

// What a search keeps of all its rows; view.data may be null where rows come in parts.
NeighborSearch take_neighbor_search(const ArrayView& candidates,
                                    const std::optional<ArrayView>& queries, Metric metric, int k,
                                    bool scattered, Path path, Workspace& workspace,
                                    const PrefixTerms& prefix = {});

// The steps of a search, on parts of its rows: first all parts meet, then those of the queries are
// finished one by one. Parts may meet in any order; lists are least likely to overflow where each
// meets itself and then all after it.
void start_lists(const NeighborSearch& search, Stream stream);
// The rows of a part among themselves.
void meet_itself(const NeighborSearch& search, const NeighborPart& part, Stream stream);
// A part of the queries and one of the candidates; without queries, two parts as each other's.
void meet(const NeighborSearch& search, const NeighborPart& queries, const NeighborPart& candidates,
          Stream stream);
// exact: [count][capacity], the similarities of the lists of rows [first, first + count), a part of
// candidates at a time, and the results once it has all of them.
void score_lists(const NeighborSearch& search, const NeighborPart& queries,
                 const NeighborPart& candidates, int64_t first, int64_t count, double* exact,
                 Stream stream);
void rank_lists(const NeighborSearch& search, const NeighborPart& queries, int64_t first,
                int64_t count, const double* exact, int64_t* indices, double* scores,
                Stream stream);
// Rows of a part whose lists overflowed, and their search among a part of the candidates; parts come
// in order, and results of the earlier ones are where they were written.
void collect_overflowed(const NeighborSearch& search, const NeighborPart& part, Stream stream);
void search_overflowed(const NeighborSearch& search, const NeighborPart& queries,
                       const NeighborPart& candidates, int64_t* indices, double* scores,
                       Stream stream);

// Lists of a part between rounds, cut to those that may be among the k best of what was seen.
void cut_lists(const NeighborSearch& search, const NeighborPart& part, Stream stream);
// Where a prefix is used, raises the limits of a part's rows, which have been cut and are all rows.
void limit_lists(const NeighborSearch& search, const NeighborPart& part, Stream stream);

}  // namespace mmkernels::cuda
