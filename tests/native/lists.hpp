// Lists of distinct indices, as neighbours are.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <random>
#include <vector>

namespace mmkernels::testing {

// (n, k) of them, any k of `pool` numbers from `first` on, in any order.
inline std::vector<int64_t> random_lists(int64_t n, int64_t k, int64_t pool, int64_t first,
                                         std::mt19937_64& generator) {
  std::vector<int64_t> lists(n * k), numbers(pool);
  for (int64_t row = 0; row < n; ++row) {
    std::iota(numbers.begin(), numbers.end(), first);
    std::shuffle(numbers.begin(), numbers.end(), generator);
    std::copy_n(numbers.begin(), k, lists.begin() + row * k);
  }
  return lists;
}

}  // namespace mmkernels::testing
