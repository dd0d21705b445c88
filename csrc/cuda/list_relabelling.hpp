// How many neighbours two representations share by chance: the samples of one are relabelled.
#pragma once

#include <device/runtime.cuh>

#include "../core/relabelling.hpp"
#include "index_lists.hpp"
#include "workspace.hpp"

namespace mmkernels::cuda {

struct ListRelabelling {
  IndexLists x, y;
  int64_t rows;
  int k;
  uint64_t seed;
  int count;           // relabellings 0 .. count - 1
  BatchOrder* orders;  // [count]
  uint64_t* common;    // [count] neighbours in common, of all rows
  int* unusable;       // [1]
};

// Device memory: some 120 bytes for a relabelling.
ListRelabelling take_list_relabelling(const IndexLists& x, const IndexLists& y, int64_t rows, int k,
                                      uint64_t seed, int count, Workspace& workspace);

// scores: [count], the mutual score of x and y under each relabelling; NaN too where an index is
// none of the rows.
void score_relabellings(const ListRelabelling& relabellings, double* scores, Stream stream);

}  // namespace mmkernels::cuda
