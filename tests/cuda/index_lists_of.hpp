// Lists of indices of the tests.
#pragma once

#include <vector>

#include "index_lists.hpp"
#include "lists.hpp"

namespace mmkernels::testing {

inline cuda::IndexLists lists_of(const std::vector<int64_t>& indices, int64_t pitch) {
  return {indices.data(), pitch};
}

// n and k of lists that fill words and blocks, or do not.
inline constexpr std::pair<int64_t, int> kListShapes[] = {
    {1, 1}, {2, 1}, {5, 3}, {129, 10}, {64, 31}, {33, 32}, {7, 33}, {40, 64}, {9, 65}, {5, 130},
    {4, 200}, {3, 300}, {3, 512},
};

}  // namespace mmkernels::testing
