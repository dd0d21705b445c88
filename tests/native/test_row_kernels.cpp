// What tile_kernels.hpp offers for single rows, at every length around that of a register, from
// addresses that no vector load can count on.
#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

#include "check.hpp"
#include "cpu/tile_kernels.hpp"
#include "samples.hpp"

using namespace mmkernels;
using namespace mmkernels::cpu;
using namespace mmkernels::testing;

namespace {

const TileKernels& kernels() { return tile_kernels(); }

template <class T>
std::vector<T> random(int64_t count, uint64_t seed) {
  const Matrix matrix = gaussian(1, count, seed);
  return {matrix.values.begin(), matrix.values.end()};
}

// Calls check with a row in float64 and in float32, another row in both, and their length. Each
// lies one value behind the start of an allocation, and ends with it.
template <class Check>
void for_every_length(const Check& check) {
  for (int64_t n = 0; n <= 140; n = n < 70 ? n + 1 : n + 23) {
    const std::vector<float> a = random<float>(n + 1, n), b = random<float>(n + 1, n + 500);
    const std::vector<double> wide_a(a.begin(), a.end()), wide_b(b.begin(), b.end());
    check(wide_a.data() + 1, a.data() + 1, wide_b.data() + 1, b.data() + 1, n);
  }
}

float value_of(float stored) { return stored; }
float value_of(uint16_t stored) { return std::bit_cast<float>(uint32_t{stored} << 16); }

template <class Value, class Stored>
using Pack = RowMoments (*)(const Value*, const double*, double, double, int64_t, Stored*);

template <class Value, class Stored>
void check_packing(Pack<Value, Stored> pack, const Value* row, const double* centre, int64_t n,
                   double rounding) {
  std::vector<Stored> out(n);
  const RowMoments found = pack(row, centre, 1.25, 0.5, n, out.data());
  long double square = 0, with_centre = 0, lost = 0;
  for (int64_t i = 0; i < n; ++i) {
    const long double centred = (static_cast<long double>(row[i]) * 1.25 - centre[i]) * 0.5;
    const double kept = value_of(out[i]);
    CHECK_NEAR(kept, centred, rounding * std::abs(centred) + 1e-15, "n", n, "at", i);
    square += centred * centred;
    with_centre += centred * centre[i];
    lost += (centred - kept) * (centred - kept);
  }
  CHECK_NEAR(found.square, square, 1e-14 * static_cast<double>(n + square), "n", n);
  CHECK_NEAR(found.with_centre, with_centre, 1e-14 * static_cast<double>(n + square), "n", n);
  CHECK_NEAR(found.lost, lost, 1e-6 * lost + 1e-20, "n", n);
}

}  // namespace

TEST(row_products_and_distances) {
  for_every_length([](const double* a, const float* a32, const double* b, const float* b32,
                      int64_t n) {
    long double dot = 0, size = 0, distance = 0, square = 0;
    for (int64_t i = 0; i < n; ++i) {
      const long double difference = static_cast<long double>(a[i]) - b[i];
      dot += static_cast<long double>(a[i]) * b[i];
      size += std::abs(a[i] * b[i]);
      distance += difference * difference;
      square += static_cast<long double>(b[i]) * b[i];
    }
    const auto check = [&](const auto* row) {
      CHECK_NEAR(row_kernels(row).dot(a, row, n), dot, 1e-14 * size, "n", n);
      CHECK_NEAR(row_kernels(row).distance(a, row, n), distance, 1e-14 * distance, "n", n);
      CHECK_NEAR(row_kernels(row).square(row, n), square, 1e-14 * square, "n", n);
    };
    check(b);
    check(b32);
    CHECK_NEAR(kernels().dot_short(a32, b32, n), dot, 1e-6 * size, "n", n);
    CHECK_NEAR(kernels().distance_short(a32, b32, n), distance, 1e-6 * distance, "n", n);
  });
}

TEST(row_sums) {
  for_every_length([](const double* a, const float* a32, const double* b, const float*, int64_t n) {
    const std::vector<double> origin = random<double>(n, n + 9);
    std::vector<double> wide(n);
    kernels().widen_row(a32, wide.data(), n);
    for (int64_t i = 0; i < n; ++i) CHECK(wide[i] == a[i], "n", n, "at", i);
    const auto check = [&](const auto* row) {
      std::vector<double> sum(b, b + n);
      row_kernels(row).add(sum.data(), row, origin.data(), 3.0, n);
      for (int64_t i = 0; i < n; ++i)
        CHECK_NEAR(sum[i], b[i] + (a[i] * 3 - origin[i]), 1e-14, "n", n, "at", i);
    };
    check(a);
    check(a32);
  });
}

TEST(row_packing) {
  for_every_length([](const double* a, const float* a32, const double* b, const float*, int64_t n) {
    const RowKernels<double>& wide = row_kernels(a);
    const RowKernels<float>& narrow = row_kernels(a32);
    check_packing(wide.pack_float, a, b, n, 0x1p-24);
    check_packing(narrow.pack_float, a32, b, n, 0x1p-24);
    check_packing(wide.pack_bfloat16, a, b, n, 0x1.01p-8);
    check_packing(narrow.pack_bfloat16, a32, b, n, 0x1.01p-8);
  });
}

TEST(row_packing_rounds_ties_to_even) {
  for (int64_t n = 1; n <= 40; ++n) {
    const std::vector<double> nothing(n, 0.0);
    std::vector<double> row(n);
    for (int64_t i = 0; i < n; ++i) row[i] = (i % 2 ? -1 : 1) * (1 + 0x1p-8 + i % 4 * 0x1p-7);
    std::vector<uint16_t> out(n);
    row_kernels(row.data()).pack_bfloat16(row.data(), nothing.data(), 1, 1, n, out.data());
    for (int64_t i = 0; i < n; ++i) {
      CHECK(out[i] % 2 == 0, "n", n, "at", i);
      CHECK(std::abs(value_of(out[i]) - row[i]) == 0x1p-8, "n", n, "at", i);
    }
  }
}

TEST(row_interleaving) {
  for (int64_t words = 0; words <= 70; ++words) {
    std::vector<uint32_t> rows(kPanel * words), panel(kPanel * words, 0);
    std::iota(rows.begin(), rows.end(), 0x7f900000u);  // signalling NaN, were they values
    kernels().interleave(rows.data(), words, panel.data());
    for (int64_t w = 0; w < words; ++w)
      for (int r = 0; r < kPanel; ++r)
        CHECK(panel[w * kPanel + r] == rows[r * words + w], "words", words, "at", r, w);
  }
}

TEST(row_kth_largest) {
  const float infinity = std::numeric_limits<float>::infinity();
  for (const int64_t n : {16, 32, 48, 64, 160}) {
    const std::vector<float> equal(n, 2.5f), nothing(n, -infinity);
    std::vector<std::vector<float>> rows{random<float>(n, n), random<float>(n, n + 1), equal,
                                         nothing};
    for (int64_t i = 0; i < n; ++i) {
      rows[1][i] = std::round(rows[1][i]);   // many equal
      if (i % 3 == 0) rows[0][i] *= 1e-40f;  // subnormal
      if (i % 5 == 0) rows[0][i] = -infinity;
    }
    for (const std::vector<float>& row : rows) {
      std::vector<float> sorted = row;
      std::sort(sorted.begin(), sorted.end(), std::greater<>());
      for (int64_t k = 1; k <= n; ++k)
        CHECK(kernels().kth_largest(row.data(), n, k) == sorted[k - 1], "n", n, "k", k);
    }
  }
}

TEST(row_match) {
  std::mt19937_64 generator(1);
  for (const int64_t k : {1, 2, 3, 8, 9, 10, 31, 33, 63, 64}) {
    // Equal in half of their bits, or in all; the padding of a vector is no match for 0.
    std::vector<int64_t> a(k), b(k);
    for (int64_t i = 0; i < k; ++i) {
      a[i] = static_cast<int64_t>(generator() % 3) + (static_cast<int64_t>(generator() % 3) << 32);
      b[i] = static_cast<int64_t>(generator() % 3) + (static_cast<int64_t>(generator() % 3) << 32);
    }
    std::vector<uint64_t> masks(k);
    kernels().match(a.data(), b.data(), k, masks.data());
    for (int64_t j = 0; j < k; ++j) {
      uint64_t wanted = 0;
      for (int64_t i = 0; i < k; ++i) wanted |= static_cast<uint64_t>(a[i] == b[j]) << i;
      CHECK(masks[j] == wanted, "k", k, "at", j);
    }
  }
}
