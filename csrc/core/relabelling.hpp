// Random relabellings of samples: permutations of which any label is found by itself, so that a
// null distribution costs no memory for them, and host and device agree to the bit.
//
// The order of an epoch leaves out the places that hold no sample, and so has to be read from the
// beginning. Here the network is applied again until there is a sample, which is a permutation of
// the samples too (Black and Rogaway 2002, Ciphers with Arbitrary Finite Domains, cycle walking);
// less than twice in the mean, but for fewer samples than the smallest domain has.
#pragma once

#include "batch_order.hpp"

namespace mmkernels {

// Relabelling `number` (from 0) of n samples under `seed`, for 1 <= n <= 2^31.
MMKERNELS_ANYWHERE inline BatchOrder relabelling(uint64_t seed, int64_t number, int64_t n) {
  return batch_order(seed, number, n);
}

// The label of a sample below n.
MMKERNELS_ANYWHERE inline uint32_t relabelled(const BatchOrder& relabelling, int64_t n,
                                              uint32_t sample) {
  do sample = ordered(relabelling, sample);
  while (sample >= n);
  return sample;
}

}  // namespace mmkernels
