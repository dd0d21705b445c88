// What lists of neighbours have in common by chance: the samples of one side are relabelled.
#pragma once

#include <cstdint>
#include <vector>

#include "thread_pool.hpp"

namespace mmkernels::cpu {

// labels: n of them, of relabelling `number` under `seed`.
void write_labels(uint64_t seed, int64_t number, int64_t n, int64_t* labels, const Call& call);

// For relabellings 0 .. count - 1 the sum over samples i of how many of y's neighbours of the sample
// that i is relabelled to are labels of x's neighbours of i. x and y: (n, k) indices below n.
std::vector<int64_t> relabelled_overlaps(const int64_t* x, const int64_t* y, int64_t n, int64_t k,
                                         uint64_t seed, int64_t count, const Call& call);

}  // namespace mmkernels::cpu
