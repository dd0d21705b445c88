#include "moments.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace mmkernels::cpu {
namespace {

constexpr int64_t kChunk = 8192;
constexpr int kChains = 4;

// Sums of terms(i), each chunk in a few interleaved chains, then the chunks in order.
template <size_t Count, class Terms>
std::array<double, Count> sum_chunks(int64_t count, const Call& call, Terms&& terms) {
  const int64_t chunks = (count + kChunk - 1) / kChunk;
  std::vector<std::array<double, Count>> partial(chunks);
  parallel_for(chunks, call, [&](int64_t chunk, int) {
    std::array<double, Count> sum[kChains] = {};
    const int64_t last = std::min(count, (chunk + 1) * kChunk);
    int64_t i = chunk * kChunk;
    const auto add = [&](int64_t index, int chain) {
      const std::array<double, Count> term = terms(index);
      for (size_t t = 0; t < Count; ++t) sum[chain][t] += term[t];
    };
    for (; i + kChains <= last; i += kChains)
      for (int chain = 0; chain < kChains; ++chain) add(i + chain, chain);
    for (; i < last; ++i) add(i, 0);
    for (size_t t = 0; t < Count; ++t)
      partial[chunk][t] = (sum[0][t] + sum[1][t]) + (sum[2][t] + sum[3][t]);
  });
  std::array<double, Count> total = {};
  for (const std::array<double, Count>& part : partial)
    for (size_t t = 0; t < Count; ++t) total[t] += part[t];
  return total;
}

}  // namespace

Moments moments(const double* a, const double* b, int64_t count, bool centred, const Call& call) {
  Moments result{};
  if (centred) {
    const double first_a = a[0], first_b = b[0];
    const std::array<double, 2> sums = sum_chunks<2>(count, call, [=](int64_t i) {
      return std::array<double, 2>{a[i] - first_a, b[i] - first_b};
    });
    result.mean_a = first_a + sums[0] / static_cast<double>(count);
    result.mean_b = first_b + sums[1] / static_cast<double>(count);
  }
  const double mean_a = result.mean_a, mean_b = result.mean_b;
  const std::array<double, 3> sums = sum_chunks<3>(count, call, [=](int64_t i) {
    const double u = a[i] - mean_a, v = b[i] - mean_b;
    return std::array<double, 3>{u * u, u * v, v * v};
  });
  result.aa = sums[0];
  result.ab = sums[1];
  result.bb = sums[2];
  return result;
}

}  // namespace mmkernels::cpu
