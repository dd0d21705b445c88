// One source for every instruction set, written with the compiler's vector types.
//
// Each including file sets MMK_NAMESPACE, MMK_LANES (float32 lanes of a register) and
// MMK_TILE_ROWS x MMK_TILE_VECTORS (accumulators kept in registers), and is compiled with the
// flags of its instruction set. Nothing from the standard library is instantiated here: an inline
// function compiled with wide instructions could otherwise be the copy the linker keeps for all.
#include <cstdint>

#include "tile_kernels.hpp"

namespace mmkernels::cpu::MMK_NAMESPACE {
namespace {

constexpr int kLanes = MMK_LANES;
constexpr int kDoubles = kLanes / 2;
constexpr int kVectors = kPanel / kLanes;

typedef float Float __attribute__((vector_size(4 * MMK_LANES)));
typedef float FloatUnaligned __attribute__((vector_size(4 * MMK_LANES), aligned(4)));
typedef int32_t Int __attribute__((vector_size(4 * MMK_LANES)));
typedef int32_t HalfInt __attribute__((vector_size(2 * MMK_LANES)));
typedef int32_t HalfIntUnaligned __attribute__((vector_size(2 * MMK_LANES), aligned(4)));
typedef float HalfFloat __attribute__((vector_size(2 * MMK_LANES)));
typedef float HalfFloatUnaligned __attribute__((vector_size(2 * MMK_LANES), aligned(4)));
typedef double Double __attribute__((vector_size(4 * MMK_LANES)));
typedef double DoubleUnaligned __attribute__((vector_size(4 * MMK_LANES), aligned(8)));

inline Float load(const float* p) { return *reinterpret_cast<const FloatUnaligned*>(p); }
inline void store(float* p, Float v) { *reinterpret_cast<FloatUnaligned*>(p) = v; }
inline Double load_double(const double* p) { return *reinterpret_cast<const DoubleUnaligned*>(p); }
inline void store_double(double* p, Double v) { *reinterpret_cast<DoubleUnaligned*>(p) = v; }
inline Double load_widened(const float* p) {
  return __builtin_convertvector(*reinterpret_cast<const HalfFloatUnaligned*>(p), Double);
}

// Lanes are added in a fixed pairwise order.
inline double sum_lanes(Double v) {
  double lane[kDoubles];
  for (int i = 0; i < kDoubles; ++i) lane[i] = v[i];
  for (int width = kDoubles / 2; width > 0; width /= 2)
    for (int i = 0; i < width; ++i) lane[i] += lane[i + width];
  return lane[0];
}

template <int Rows, int Vectors>
inline void multiply_block(const float* a, const float* b, int64_t depth, float* tile) {
  Float sum[Rows][Vectors];
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) sum[r][v] = Float{};
  for (int64_t t = 0; t < depth; ++t) {
    Float column[Vectors];
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v)
      column[v] = *reinterpret_cast<const Float*>(b + v * kLanes);
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r) {
      const float row = a[r];
#pragma GCC unroll 4
      for (int v = 0; v < Vectors; ++v) sum[r][v] += row * column[v];
    }
    a += kPanel;
    b += kPanel;
  }
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) store(tile + r * kPanel + v * kLanes, sum[r][v]);
}

template <int Row>
inline void multiply_rows(const float* a, const float* b, int64_t depth, float* tile) {
  if constexpr (Row < kPanel) {
    constexpr int rows = kPanel - Row < MMK_TILE_ROWS ? kPanel - Row : MMK_TILE_ROWS;
    for (int v = 0; v < kVectors; v += MMK_TILE_VECTORS)
      multiply_block<rows, MMK_TILE_VECTORS>(a + Row, b + v * kLanes, depth,
                                             tile + Row * kPanel + v * kLanes);
    multiply_rows<Row + rows>(a, b, depth, tile);
  }
}

void multiply(const float* a, const float* b, int64_t depth, float* tile) {
  multiply_rows<0>(a, b, depth, tile);
}

inline uint32_t lane_bits(Int mask) {
  uint32_t bits = 0;
  for (int i = 0; i < kLanes; ++i) bits |= static_cast<uint32_t>(mask[i] & 1) << i;
  return bits;
}

int compare(const float* tile, const float* row_bias, const float* column_bias,
            const float* row_limit, const float* column_limit, uint32_t* rows, uint32_t* columns) {
  // Most tiles hold nothing: first ask whether any lane passes, and only then where.
  Int any_row{}, any_column{};
  for (int v = 0; v < kPanel; v += kLanes) {
    const Float bias = load(column_bias + v), limit = load(column_limit + v);
    for (int r = 0; r < kPanel; ++r) {
      const Float value = load(tile + r * kPanel + v);
      any_row |= value + bias >= row_limit[r];
      any_column |= value + row_bias[r] >= limit;
    }
  }
  int found = 0;
  for (int i = 0; i < kLanes; ++i) found |= (any_row[i] & 1) | (any_column[i] & 2);
  if (found & 1)
    for (int r = 0; r < kPanel; ++r) {
      uint32_t bits = 0;
      for (int v = 0; v < kPanel; v += kLanes)
        bits |= lane_bits(load(tile + r * kPanel + v) + load(column_bias + v) >= row_limit[r]) << v;
      rows[r] = bits;
    }
  if (found & 2)
    for (int r = 0; r < kPanel; ++r) {
      uint32_t bits = 0;
      for (int v = 0; v < kPanel; v += kLanes)
        bits |= lane_bits(load(tile + r * kPanel + v) + row_bias[r] >= load(column_limit + v)) << v;
      columns[r] = bits;
    }
  return found;
}

// exp(x) - 1 = 2^e q + (2^e - 1) with q = exp(reduced) - 1 from its Taylor series: the form keeps
// its relative accuracy as x goes to 0, where exp(x) itself would round to 1.
template <bool MinusOne>
inline Float exponential(Float x) {
  constexpr float log2_e = 1.44269504088896341f, ln2_high = 0.693359375f,
                  ln2_low = -2.12194440e-4f, round = 12582912.0f;
  x = x < -87.0f ? Float{} - 87.0f : x;
  const Float shifted = x * log2_e + round;
  const Float exponent = shifted - round;
  const Float reduced = (x - exponent * ln2_high) - exponent * ln2_low;
  Float q = reduced * (1.0f / 5040) + 1.0f / 720;
  q = q * reduced + 1.0f / 120;
  q = q * reduced + 1.0f / 24;
  q = q * reduced + 1.0f / 6;
  q = q * reduced + 0.5f;
  q = q * (reduced * reduced) + reduced;
  const Int power_bits = (__builtin_convertvector(exponent, Int) + 127) << 23;
  const Float power = (Float)power_bits;  // the same bits: vector casts do not convert
  return power * q + (MinusOne ? power - 1.0f : power);
}

template <bool MinusOne>
inline void gaussian_tile(float* tile, const float* row_half, const float* column_half,
                          float factor, float shift) {
  for (int v = 0; v < kPanel; v += kLanes) {
    const Float column = load(column_half + v);
    for (int r = 0; r < kPanel; ++r) {
      Float x = load(tile + r * kPanel + v) - row_half[r] - column;
      x = x < 0.0f ? x : Float{};
      store(tile + r * kPanel + v, exponential<MinusOne>(x * factor) - shift);
    }
  }
}

void gaussian(float* tile, const float* row_half, const float* column_half, float factor,
              bool minus_one, float shift) {
  if (minus_one)
    gaussian_tile<true>(tile, row_half, column_half, factor, shift);
  else
    gaussian_tile<false>(tile, row_half, column_half, factor, shift);
}

void squared_distance(float* tile, const float* row_half, const float* column_half) {
  for (int v = 0; v < kPanel; v += kLanes) {
    const Float column = load(column_half + v);
    for (int r = 0; r < kPanel; ++r) {
      const Float x = load(tile + r * kPanel + v) - row_half[r] - column;
      // Never -0, whose bit pattern sorts above all others.
      store(tile + r * kPanel + v, x < 0.0f ? x * -2.0f : Float{});
    }
  }
}

void widen(const float* tile, double* wide, double* row_sums, double* column_sums) {
  Double columns[kPanel / kDoubles] = {};
  for (int r = 0; r < kPanel; ++r) {
    Double row{};
    for (int v = 0; v < kPanel / kDoubles; ++v) {
      const Double value = load_widened(tile + r * kPanel + v * kDoubles);
      store_double(wide + r * kPanel + v * kDoubles, value);
      columns[v] += value;
      row += value;
    }
    row_sums[r] += sum_lanes(row);
  }
  for (int v = 0; v < kPanel; v += kDoubles)
    store_double(column_sums + v, load_double(column_sums + v) + columns[v / kDoubles]);
}

// Four independent chains hide the latency of the additions; the order is fixed by the code.
template <class First, class Second>
inline double dot(First first, Second second, int64_t n) {
  Double sum[4] = {};
  int64_t i = 0;
  for (; i + 4 * kDoubles <= n; i += 4 * kDoubles)
    for (int j = 0; j < 4; ++j) sum[j] += first(i + j * kDoubles) * second(i + j * kDoubles);
  for (; i + kDoubles <= n; i += kDoubles) sum[0] += first(i) * second(i);
  return sum_lanes((sum[0] + sum[1]) + (sum[2] + sum[3]));
}

double dot_tiles(const double* a, const double* b) {
  return dot([=](int64_t i) { return load_double(a + i); },
             [=](int64_t i) { return load_double(b + i); }, kTile);
}

void add_tile(const float* tile, double* accumulator) {
  for (int i = 0; i < kTile; i += kDoubles)
    store_double(accumulator + i, load_double(accumulator + i) + load_widened(tile + i));
}

double dot_float(const double* a, const float* b, int64_t n) {
  double sum = dot([=](int64_t i) { return load_double(a + i); },
                   [=](int64_t i) { return load_widened(b + i); }, n);
  for (int64_t i = n - n % kDoubles; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

double dot_double(const double* a, const double* b, int64_t n) {
  double sum = dot([=](int64_t i) { return load_double(a + i); },
                   [=](int64_t i) { return load_double(b + i); }, n);
  for (int64_t i = n - n % kDoubles; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

double distance_float(const double* a, const float* b, int64_t n) {
  const auto difference = [=](int64_t i) { return load_double(a + i) - load_widened(b + i); };
  double sum = dot(difference, difference, n);
  for (int64_t i = n - n % kDoubles; i < n; ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return sum;
}

double distance_double(const double* a, const double* b, int64_t n) {
  const auto difference = [=](int64_t i) { return load_double(a + i) - load_double(b + i); };
  double sum = dot(difference, difference, n);
  for (int64_t i = n - n % kDoubles; i < n; ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return sum;
}

float dot_short(const float* a, const float* b, int64_t n) {
  Float sum[4] = {};
  int64_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes)
    for (int j = 0; j < 4; ++j) sum[j] += load(a + i + j * kLanes) * load(b + i + j * kLanes);
  for (; i + kLanes <= n; i += kLanes) sum[0] += load(a + i) * load(b + i);
  sum[0] = (sum[0] + sum[1]) + (sum[2] + sum[3]);
  float total = 0;
  for (; i < n; ++i) total += a[i] * b[i];
  float lane[kLanes];
  for (int j = 0; j < kLanes; ++j) lane[j] = sum[0][j];
  for (int width = kLanes / 2; width > 0; width /= 2)
    for (int j = 0; j < width; ++j) lane[j] += lane[j + width];
  return total + lane[0];
}

void widen_row(const float* row, double* out, int64_t n) {
  int64_t i = 0;
  for (; i + kDoubles <= n; i += kDoubles) store_double(out + i, load_widened(row + i));
  for (; i < n; ++i) out[i] = row[i];
}

void centre_row(double* row, const double* centre, double factor, double scale, int64_t n) {
  int64_t i = 0;
  for (; i + kDoubles <= n; i += kDoubles)
    store_double(row + i, (load_double(row + i) * factor - load_double(centre + i)) * scale);
  for (; i < n; ++i) row[i] = (row[i] * factor - centre[i]) * scale;
}

void add_row(double* sum, const double* row, const double* origin, double factor, int64_t n) {
  int64_t i = 0;
  for (; i + kDoubles <= n; i += kDoubles)
    store_double(sum + i,
                 load_double(sum + i) + (load_double(row + i) * factor - load_double(origin + i)));
  for (; i < n; ++i) sum[i] += row[i] * factor - origin[i];
}

void round_float(const double* row, float* out, int64_t n) {
  int64_t i = 0;
  for (; i + kDoubles <= n; i += kDoubles)
    *reinterpret_cast<HalfFloatUnaligned*>(out + i) =
        __builtin_convertvector(load_double(row + i), HalfFloat);
  for (; i < n; ++i) out[i] = static_cast<float>(row[i]);
}

double round_bfloat16(const double* row, uint32_t* out, int64_t n) {
  Double lost{};
  double rest = 0;
  int32_t kept_bits[kDoubles];
  int64_t i = 0;
  for (; i + kDoubles <= n; i += kDoubles) {
    const Double value = load_double(row + i);
    const HalfInt bits = (HalfInt)__builtin_convertvector(value, HalfFloat);
    const HalfInt kept = (bits + 0x7fff + (bits >> 16 & 1)) & ~0xffff;
    const Double difference = value - __builtin_convertvector((HalfFloat)kept, Double);
    lost += difference * difference;
    *reinterpret_cast<HalfIntUnaligned*>(kept_bits) = kept;
    for (int j = 0; j < kDoubles; j += 2)
      out[(i + j) / 2] = static_cast<uint32_t>(kept_bits[j]) >> 16 |
                         static_cast<uint32_t>(kept_bits[j + 1]);
  }
  for (; i < n; ++i) {
    const float value = static_cast<float>(row[i]);
    uint32_t bits;
    __builtin_memcpy(&bits, &value, sizeof bits);
    bits = (bits + 0x7fff + (bits >> 16 & 1)) & ~0xffffu;
    float kept;
    __builtin_memcpy(&kept, &bits, sizeof kept);
    rest += (row[i] - kept) * (row[i] - kept);
    out[i / 2] = i % 2 ? out[i / 2] | bits : bits >> 16;
  }
  return sum_lanes(lost) + rest;
}

// Bit patterns of floats, made to sort as the values do.
inline Int ordered(Int bits) { return bits ^ (bits >> 31 & 0x7fffffff); }

// Bisection of the ordered patterns, until exactly k values are on the upper side: some ten counts
// whatever the values, where a partial sort branches at each.
float kth_largest(const float* values, int64_t n, int64_t k) {
  int64_t low = INT32_MIN, high = INT32_MAX;  // the answer is in [low, high]
  while (low < high) {
    const int32_t middle = static_cast<int32_t>((low + high + 1) >> 1);
    Int count{}, least = Int{} + INT32_MAX;
    for (int64_t i = 0; i < n; i += kLanes) {
      const Int pattern = ordered((Int)load(values + i));
      const Int reached = pattern >= middle;
      count -= reached;
      const Int candidate = (pattern & reached) | (INT32_MAX & ~reached);
      least = candidate < least ? candidate : least;
    }
    int64_t reached = 0;
    int32_t smallest = INT32_MAX;
    for (int j = 0; j < kLanes; ++j) {
      reached += count[j];
      smallest = least[j] < smallest ? least[j] : smallest;
    }
    if (reached == k) {
      low = smallest;
      break;
    }
    if (reached > k)
      low = middle;
    else
      high = static_cast<int64_t>(middle) - 1;
  }
  const int32_t pattern = static_cast<int32_t>(low);
  const int32_t bits = pattern ^ (pattern >> 31 & 0x7fffffff);
  float value;
  __builtin_memcpy(&value, &bits, sizeof value);
  return value;
}

}  // namespace

extern const TileKernels kernels;
const TileKernels kernels{MMK_NAME,      multiply,   compare,        gaussian,
                          squared_distance, widen,   dot_tiles,      add_tile,
                          dot_float,     dot_double, distance_float, distance_double,
                          dot_short,     widen_row,  centre_row, add_row,        round_float,
                          round_bfloat16, kth_largest, nullptr};

}  // namespace mmkernels::cpu::MMK_NAMESPACE
