// What ordered lists of neighbours have in common: the longest common subsequence, and the
// Levenshtein distance. Sums over rows are whole numbers.
#pragma once

#include <device/runtime.cuh>

#include "index_lists.hpp"
#include "workspace.hpp"

namespace mmkernels::cuda {

// subsequence: mean over rows of the length of the longest common subsequence. edits: 1 - mean over
// rows of the Levenshtein distance over k.
enum class SequenceScore { subsequence, edits };

struct ListSequences {
  IndexLists left, right;
  int64_t rows;
  int k;
  uint64_t* total;  // [1] of lengths or distances
  int* unusable;    // [1]
};

ListSequences take_list_sequences(const IndexLists& left, const IndexLists& right, int64_t rows,
                                  int k, Workspace& workspace);

// score[0] is written. Where an index comes twice in a list of more than 64, its last place there
// is the one that counts in `left`.
void score_sequences(const ListSequences& sequences, SequenceScore score_of, double* score,
                     Stream stream);

}  // namespace mmkernels::cuda
