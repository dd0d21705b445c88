// What ordered lists of neighbours have in common. Features are not looked at again.
#pragma once

#include <cstdint>
#include <vector>

#include "thread_pool.hpp"

namespace mmkernels::cpu {

// a, b: (n, k) distinct indices per row. For every row the length of the longest common subsequence
// of the two lists.
std::vector<int64_t> common_subsequences(const int64_t* a, const int64_t* b, int64_t n, int64_t k,
                                         const Call& call);

// For every row the Levenshtein distance of the two lists: the fewest insertions, deletions and
// substitutions that turn one into the other.
std::vector<int64_t> edit_distances(const int64_t* a, const int64_t* b, int64_t n, int64_t k,
                                    const Call& call);

}  // namespace mmkernels::cpu
