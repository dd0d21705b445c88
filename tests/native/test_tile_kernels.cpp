#include "cpu/tile_kernels.hpp"

#include <algorithm>
#include <bit>
#include <cfloat>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "check.hpp"
#include "core/aligned_buffer.hpp"
#include "samples.hpp"

using namespace mmkernels;
using namespace mmkernels::cpu;
using namespace mmkernels::testing;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
const TileKernels& kernels() { return tile_kernels(); }

template <class T = float>
std::vector<T> random(int64_t count, uint64_t seed) {
  const Matrix matrix = gaussian(1, count, seed);
  return {matrix.values.begin(), matrix.values.end()};
}

// A panel of random rows, at a cache line's start and of no more than its size.
template <class T>
AlignedBuffer<T> random_panel(int64_t depth, int width, uint64_t seed) {
  const std::vector<T> values = random<T>(depth * width, seed);
  AlignedBuffer<T> panel = make_aligned<T>(depth * width);
  std::copy(values.begin(), values.end(), panel.get());
  return panel;
}

template <class T>
void check_multiply(void (*multiply)(const T*, const T*, int64_t, T*), int width, double rounding) {
  for (const int64_t depth : {1, 2, 17, 64, 129, 300}) {
    const AlignedBuffer<T> a = random_panel<T>(depth, width, depth);
    const AlignedBuffer<T> b = random_panel<T>(depth, width, depth + 1);
    std::vector<T> tile(width * width, NAN);
    multiply(a.get(), b.get(), depth, tile.data());
    for (int r = 0; r < width; ++r)
      for (int c = 0; c < width; ++c) {
        long double sum = 0, size = 0;
        for (int64_t t = 0; t < depth; ++t) {
          const long double term = static_cast<long double>(a[t * width + r]) * b[t * width + c];
          sum += term;
          size += std::abs(term);
        }
        CHECK_NEAR(tile[r * width + c], sum, depth * rounding * size, "depth", depth, "at", r, c);
      }
  }
}

}  // namespace

TEST(tile_multiply) { check_multiply(kernels().multiply, kPanel, 0x1p-23); }

TEST(tile_multiply_wide) { check_multiply(kernels().multiply_wide, kWidePanel, 0x1p-52); }

TEST(tile_multiply_bfloat16) {
  if (!kernels().multiply_bfloat16) return;
  for (const int64_t pairs : {1, 2, 9, 64, 150}) {
    const int64_t depth = 2 * pairs;
    const std::vector<double> nothing(depth, 0.0);
    std::vector<uint16_t> rows[2];
    AlignedBuffer<float> panels[2];
    for (int side = 0; side < 2; ++side) {
      const std::vector<double> wide = random<double>(depth * kPanel, pairs + side);
      rows[side].resize(depth * kPanel);
      for (int r = 0; r < kPanel; ++r)
        kernels().of_doubles.pack_bfloat16(wide.data() + r * depth, nothing.data(), 1, 1, depth,
                                           rows[side].data() + r * depth);
      panels[side] = make_aligned<float>(pairs * kPanel);
      kernels().interleave(rows[side].data(), pairs, panels[side].get());
    }
    std::vector<float> tile(kTile, NAN);
    kernels().multiply_bfloat16(panels[0].get(), panels[1].get(), pairs, tile.data());
    const auto value = [&](int side, int64_t i) {
      return std::bit_cast<float>(uint32_t{rows[side][i]} << 16);
    };
    for (int r = 0; r < kPanel; ++r)
      for (int c = 0; c < kPanel; ++c) {
        long double sum = 0, size = 0;
        for (int64_t t = 0; t < depth; ++t) {
          const long double term =
              static_cast<long double>(value(0, r * depth + t)) * value(1, c * depth + t);
          sum += term;
          size += std::abs(term);
        }
        CHECK_NEAR(tile[r * kPanel + c], sum, depth * 0x1p-23 * size, "depth", depth, "at", r, c);
      }
  }
}

TEST(tile_compare) {
  for (int round = 0; round < 60; ++round) {
    const std::vector<float> tile = random(kTile, round), row_bias = random(kPanel, round + 100);
    std::vector<float> column_bias = random(kPanel, round + 200);
    std::vector<float> row_limit = random(kPanel, round + 300);
    std::vector<float> column_limit = random(kPanel, round + 400);
    // From nothing that passes to all that does, and the limits of rows that are not there.
    for (float& limit : row_limit) limit += static_cast<float>(round % 6) * 2 - 4;
    for (float& limit : column_limit) limit += static_cast<float>(round % 7) * 2 - 6;
    if (round % 3 == 1) std::fill(column_limit.begin(), column_limit.end(), kInfinity);
    if (round % 4 == 1) row_limit[5] = -FLT_MAX, column_limit[9] = -FLT_MAX;
    if (round % 5 == 1) column_bias[31] = column_bias[3] = -kInfinity;
    row_limit[7] = tile[7 * kPanel + 11] + column_bias[11];  // equal counts
    uint32_t rows[kPanel], columns[kPanel], wanted_rows[kPanel] = {}, wanted_columns[kPanel] = {};
    int wanted = 0;
    for (int r = 0; r < kPanel; ++r)
      for (int c = 0; c < kPanel; ++c) {
        const float value = tile[r * kPanel + c];
        if (value + column_bias[c] >= row_limit[r]) wanted_rows[r] |= 1u << c, wanted |= 1;
        if (value + row_bias[r] >= column_limit[c]) wanted_columns[r] |= 1u << c, wanted |= 2;
      }
    const int found = kernels().compare(tile.data(), row_bias.data(), column_bias.data(),
                                        row_limit.data(), column_limit.data(), rows, columns);
    CHECK(found == wanted, found, wanted, "round", round);
    for (int r = 0; r < kPanel; ++r) {
      CHECK(!(found & 1) || rows[r] == wanted_rows[r], "row", r, "round", round);
      CHECK(!(found & 2) || columns[r] == wanted_columns[r], "row", r, "round", round);
    }
  }
}

TEST(tile_gaussian_and_distance) {
  const std::vector<float> products = random(kTile, 1);
  std::vector<float> row_half = random(kPanel, 2), column_half = random(kPanel, 3);
  for (auto* half : {&row_half, &column_half})
    for (float& value : *half) value = std::abs(value);
  const auto distance = [&](int i) {
    const float d = products[i] - row_half[i / kPanel] - column_half[i % kPanel];
    return std::min(0.0, static_cast<double>(d));
  };
  for (const float factor : {1e-12f, 1e-4f, 0.3f, 7.0f, 1e4f})
    for (const float shift : {0.0f, 0.25f})
      for (const bool minus_one : {false, true}) {
        std::vector<float> tile = products;
        kernels().gaussian(tile.data(), row_half.data(), column_half.data(), factor, minus_one,
                           shift);
        for (int i = 0; i < kTile; ++i) {
          const double exponent = factor * distance(i);
          const double wanted = minus_one ? std::expm1(exponent) : std::exp(exponent);
          // The exponent's rounding, the result's, and what lies below exp(-87).
          const double allowed = std::abs(wanted) * 4e-7 + std::exp(exponent) * -exponent * 4e-7 +
                                 (shift > 0 ? 1e-7 : 0) + 2e-38;
          CHECK_NEAR(tile[i], wanted - shift, allowed, "factor", factor, "minus one", minus_one);
        }
      }
  std::vector<float> tile = products;
  kernels().squared_distance(tile.data(), row_half.data(), column_half.data());
  for (int i = 0; i < kTile; ++i)
    CHECK(tile[i] == -2 * distance(i) && !std::signbit(tile[i]), tile[i], distance(i));
}

TEST(tile_laplacian_and_distances) {
  std::vector<float> squared = random(kTile, 1);
  for (float& value : squared) value *= value;
  squared[17] = squared[900] = 0;
  CHECK(kernels().smallest(squared.data()) == 0);
  squared[700] = -2;
  CHECK(kernels().smallest(squared.data()) == -2);
  squared[700] = 4;
  for (const float factor : {1e-12f, 1e-4f, 0.3f, 7.0f, 1e4f, 1e30f})
    for (const float shift : {0.0f, 0.25f})
      for (const bool minus_one : {false, true}) {
        std::vector<float> tile = squared;
        kernels().laplacian(tile.data(), factor, minus_one, shift);
        for (int i = 0; i < kTile; ++i) {
          const double exponent = -factor * std::sqrt(static_cast<double>(squared[i]));
          const double wanted = minus_one ? std::expm1(exponent) : std::exp(exponent);
          const double allowed = std::abs(wanted) * 4e-7 +
                                 (exponent < -90 ? 0 : std::exp(exponent) * -exponent * 4e-7) +
                                 (shift > 0 ? 1e-7 : 0) + 2e-38;
          CHECK_NEAR(tile[i], wanted - shift, allowed, "factor", factor, "minus one", minus_one);
        }
      }
  std::vector<float> tile = squared;
  kernels().distance(tile.data(), 0.25f);
  for (int i = 0; i < kTile; ++i) {
    const double wanted = -std::sqrt(static_cast<double>(squared[i])) - 0.25;
    CHECK_NEAR(tile[i], wanted, 3e-7 * std::abs(wanted));
  }
}

TEST(tile_polynomial) {
  const std::vector<float> products = random(kTile, 1), rows = random(kPanel, 2);
  const std::vector<float> columns = random(kPanel, 3);
  const std::vector<float> powers{0.5f, -0.25f, 2.0f, 0.125f};
  for (const int count : {0, 1, 2, 4}) {
    std::vector<float> tile = products;
    kernels().polynomial(tile.data(), rows.data(), columns.data(), 0.75f, 3.0f, powers.data(),
                         count, 0.5f);
    for (int i = 0; i < kTile; ++i) {
      const double v = 0.75 * products[i] + rows[i / kPanel] + columns[i % kPanel];
      double wanted = 3.0 * products[i] - 0.5, size = std::abs(3.0 * products[i]) + 0.5;
      for (int k = 0; k < count; ++k) {
        wanted += powers[k] * std::pow(v, k + 2);
        size += std::abs(powers[k]) * std::pow(std::abs(v) + 1, k + 2);
      }
      CHECK_NEAR(tile[i], wanted, 1e-6 * size, "count", count);
    }
  }
}

TEST(tile_sums) {
  const std::vector<float> tile = random(kTile, 1), other = random(kTile, 2);
  std::vector<double> wide(kTile), wide_other(kTile), rows(kPanel, 0.5), columns(kPanel, -2.0);
  std::vector<double> unused(kPanel, 0.0);
  kernels().widen(tile.data(), wide.data(), rows.data(), columns.data());
  kernels().widen(other.data(), wide_other.data(), unused.data(), unused.data());
  std::vector<double> accumulator = wide_other;
  kernels().add_tile(tile.data(), accumulator.data());
  long double dot = 0;
  for (int i = 0; i < kTile; ++i) {
    CHECK(wide[i] == tile[i], i);
    CHECK(accumulator[i] == static_cast<double>(tile[i]) + other[i], i);
    dot += static_cast<long double>(tile[i]) * other[i];
  }
  CHECK_NEAR(kernels().dot_tiles(wide.data(), wide_other.data()), dot, 1e-12);
  for (int r = 0; r < kPanel; ++r) {
    long double row = 0.5, column = -2.0;
    for (int c = 0; c < kPanel; ++c) {
      row += tile[r * kPanel + c];
      column += tile[c * kPanel + r];
    }
    CHECK_NEAR(rows[r], row, 1e-13, "row", r);
    CHECK_NEAR(columns[r], column, 1e-13, "column", r);
  }
}
