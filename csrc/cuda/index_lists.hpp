// Lists of neighbours in device memory, as the metrics on lists read them.
#pragma once

#include <cstdint>

namespace mmkernels::cuda {

// Row r holds its k indices from indices + r pitch on. Indices are at least 0 and below 2^54. Any
// other stands for rows that could not be searched: a score that it has part in is NaN.
struct IndexLists {
  const int64_t* indices;
  int64_t pitch;  // k, or more where only the first k of longer lists are meant
};

inline constexpr int kMostListed = 512;  // the largest k

}  // namespace mmkernels::cuda
