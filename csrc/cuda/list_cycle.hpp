// The share of rows found again by a step to a neighbour in y and one to a neighbour in x.
#pragma once

#include <device/runtime.cuh>

#include "index_lists.hpp"
#include "workspace.hpp"

namespace mmkernels::cuda {

struct ListCycle {
  IndexLists x, y;
  int64_t rows;
  int k;
  uint64_t* closed;  // [1] how many rows i are in x of some row of their own in y
  int* unusable;     // [1]
};

ListCycle take_list_cycle(const IndexLists& x, const IndexLists& y, int64_t rows, int k,
                          Workspace& workspace);

// score[0] is written; it is NaN too where an index is none of the rows.
void score_cycle(const ListCycle& cycle, double* score, Stream stream);

}  // namespace mmkernels::cuda
