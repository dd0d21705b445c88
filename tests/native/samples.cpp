#include "samples.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <random>
#include <stdexcept>

namespace mmkernels::testing {
namespace {

using Generator = std::mt19937_64;

double draw(Generator& generator) { return std::normal_distribution<double>()(generator); }

}  // namespace

Matrix gaussian(int64_t rows, int64_t columns, uint64_t seed) {
  Generator generator(seed);
  Matrix matrix(rows, columns);
  for (double& value : matrix.values) value = draw(generator);
  return matrix;
}

Matrix duplicated(int64_t rows, int64_t columns, uint64_t seed) {
  Generator generator(seed);
  const Matrix distinct = gaussian((rows + 3) / 4, columns, seed + 1);
  Matrix matrix(rows, columns);
  for (int64_t i = 0; i < rows; ++i)
    std::copy_n(distinct.row(generator() % distinct.rows), columns, matrix.row(i));
  return matrix;
}

Matrix all_equal(int64_t rows, int64_t columns, uint64_t seed) {
  const Matrix one = gaussian(1, columns, seed);
  Matrix matrix(rows, columns);
  for (int64_t i = 0; i < rows; ++i) std::copy_n(one.row(0), columns, matrix.row(i));
  return matrix;
}

Matrix heavy_tailed(int64_t rows, int64_t columns, uint64_t seed) {
  Generator generator(seed);
  Matrix matrix = gaussian(rows, columns, seed + 1);
  for (int64_t i = 0; i < rows; ++i) {
    const double length = std::abs(std::cauchy_distribution<double>()(generator));
    for (int64_t c = 0; c < columns; ++c) matrix.row(i)[c] *= std::clamp(length, 1e-6, 1e6);
  }
  return matrix;
}

Matrix growing(int64_t rows, int64_t columns, uint64_t seed) {
  const Matrix ends = gaussian(2, columns, seed);
  Matrix matrix = gaussian(rows, columns, seed + 1);
  for (int64_t i = 0; i < rows; ++i) {
    const double place = 0.05 + 0.95 * static_cast<double>(i) / static_cast<double>(rows);
    for (int64_t c = 0; c < columns; ++c) {
      const double turned = std::cos(place) * ends.row(0)[c] + std::sin(place) * ends.row(1)[c];
      matrix.row(i)[c] = place * turned + 1e-4 * matrix.row(i)[c];
    }
  }
  return matrix;
}

Matrix hubs(int64_t rows, int64_t columns, uint64_t seed) {
  Generator generator(seed);
  const Matrix common = gaussian(1, columns, seed + 1);
  Matrix matrix = gaussian(rows, columns, seed + 2);
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t c = 0; c < columns; ++c) matrix.row(i)[c] += 2 * common.row(0)[c];
  for (int hub = 0; hub < 3; ++hub) {
    double* row = matrix.row(generator() % rows);
    for (int64_t c = 0; c < columns; ++c) row[c] = 6 * common.row(0)[c];
  }
  return matrix;
}

Matrix offset(int64_t rows, int64_t columns, uint64_t seed) {
  Matrix matrix = gaussian(rows, columns, seed);
  for (double& value : matrix.values) value += 1e4;
  return matrix;
}

Matrix decaying(int64_t rows, int64_t columns, uint64_t seed) {
  Matrix matrix = gaussian(rows, columns, seed);
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t c = 0; c < columns; ++c) matrix.row(i)[c] /= static_cast<double>(c + 1);
  return matrix;
}

Matrix integers(int64_t rows, int64_t columns, uint64_t seed) {
  Generator generator(seed);
  Matrix matrix(rows, columns);
  for (double& value : matrix.values) value = static_cast<double>(generator() % 7) - 3;
  return matrix;
}

const std::vector<NamedFactory> kAwkward{
    {"gaussian", gaussian}, {"duplicated", duplicated}, {"all equal", all_equal},
    {"heavy tailed", heavy_tailed}, {"growing", growing}, {"hubs", hubs},
    {"offset", offset}, {"decaying", decaying}, {"integers", integers}};

namespace {

struct Rounded {
  uint64_t bits;  // in the low bytes
  double value;
};

template <class T>
Rounded as(double value) {
  const T rounded = static_cast<T>(value);
  uint64_t bits = 0;
  std::memcpy(&bits, &rounded, sizeof rounded);
  return {bits, static_cast<double>(rounded)};
}

Rounded as_half(double value) {
  if (std::abs(value) > 65504) throw std::range_error("too large for float16");
  int exponent;
  std::frexp(value, &exponent);
  const double step = std::ldexp(1.0, std::max(exponent, -13) - 11);  // 2^-24 below 2^-14
  const double rounded = std::nearbyint(value / step) * step, size = std::abs(rounded);
  const double fraction = std::frexp(size, &exponent);
  const double bits = size < 0x1p-14 ? size * 0x1p24 : (exponent + 13 + 2 * fraction) * 1024;
  return {static_cast<uint64_t>(bits) | (std::signbit(value) ? 0x8000u : 0u), rounded};
}

Rounded as_bfloat(double value) {
  uint32_t bits = std::bit_cast<uint32_t>(static_cast<float>(value)) & 0xffff0000u;
  return {bits >> 16, std::bit_cast<float>(bits)};
}

Rounded rounded_to(Type type, double value) {
  switch (type) {
    case Type::float16: return as_half(value);
    case Type::bfloat16: return as_bfloat(value);
    case Type::float32: return as<float>(value);
    case Type::float64: return as<double>(value);
    case Type::bool8: return as<bool>(value);
    case Type::int8: return as<int8_t>(value);
    case Type::int16: return as<int16_t>(value);
    case Type::int32: return as<int32_t>(value);
    case Type::int64: return as<int64_t>(value);
    case Type::uint8: return as<uint8_t>(std::abs(value));
    case Type::uint16: return as<uint16_t>(std::abs(value));
    case Type::uint32: return as<uint32_t>(std::abs(value));
    case Type::uint64: return as<uint64_t>(std::abs(value));
  }
  throw std::logic_error("unknown type");
}

int64_t size_of(Type type) {
  switch (type) {
    case Type::bool8: case Type::int8: case Type::uint8: return 1;
    case Type::float16: case Type::bfloat16: case Type::int16: case Type::uint16: return 2;
    case Type::float32: case Type::int32: case Type::uint32: return 4;
    default: return 8;
  }
}

}  // namespace

Stored::Stored(const Matrix& matrix, Type type, Layout layout) : values_(matrix) {
  const int64_t n = matrix.rows, d = matrix.columns, size = size_of(type);
  int64_t row_stride = d * size, column_stride = size, start = 0;
  if (layout == Layout::padded) row_stride += 3 * size;
  if (layout == Layout::transposed) row_stride = size, column_stride = n * size;
  if (layout == Layout::unaligned) start = 1;
  const int64_t last = start + (n - 1) * row_stride + (d - 1) * column_stride;
  bytes_.assign(last + size, 0);
  if (layout == Layout::reversed) {
    start = last;
    row_stride = -row_stride;
    column_stride = -column_stride;
  }
  view_ = {bytes_.data() + start, n, d, row_stride, column_stride, type};
  for (int64_t i = 0; i < n; ++i)
    for (int64_t c = 0; c < d; ++c) {
      const Rounded rounded = rounded_to(type, matrix.row(i)[c]);
      values_.row(i)[c] = rounded.value;
      // The low bytes come first on every processor the library is built for.
      std::memcpy(bytes_.data() + start + i * row_stride + c * column_stride, &rounded.bits, size);
    }
}

}  // namespace mmkernels::testing
