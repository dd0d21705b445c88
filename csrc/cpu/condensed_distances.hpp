// Dissimilarities of all pairs of rows, as one list: the upper triangle of their matrix, row by row.
#pragma once

#include <cstdint>

#include "thread_pool.hpp"

namespace mmkernels::cpu {

enum class Dissimilarity {
  squared_euclidean,
  euclidean,
  half_squared,  // of unit rows: 1 - their cosine, with all its digits where rows are nearly equal
  cityblock,
};

// rows: n x d values, row-major. out: the n (n - 1) / 2 values of pairs i < j, (0, 1), (0, 2), ...;
// equal rows are at 0. Each value is summed in one order, whatever the number of threads.
void condensed_distances(const double* rows, int64_t n, int64_t d, Dissimilarity kind, double* out,
                         const Call& call);

}  // namespace mmkernels::cpu
