#include "features.cuh"

#include <cmath>

namespace mmkernels::cuda {
namespace {

constexpr int kThreads = 256, kWarps = kThreads / 32;
constexpr int64_t kChunkRows = 512;  // summed by one thread for a column
constexpr int kExponents = 2048;
// Rows are near where |c_i| is below 2^kNear times what half of the rows are below.
constexpr int kNear = 4;

int64_t chunks_of(int64_t rows) { return (rows + kChunkRows - 1) / kChunkRows; }

__global__ void clear_status(Features features) {
  if (ptx::thread() == 0) *features.status = {kNoRow, kNoRow, kNoRow, 0};
}

// Of a row, by its warp, which reads kAtOnce values of a lane together.
struct RowSize {
  bool finite;
  double norm;  // where it is finite
};
constexpr int kAtOnce = 8;

// values[i] of the lane's columns: column + 32 i, zeros beyond the last.
__device__ __forceinline__ int read_of_row(const Features& features, int64_t row, int64_t column,
                                           double (&values)[kAtOnce]) {
  const ArrayView& view = features.view;
  const int64_t left = (view.columns - column + 31) / 32;
  const int there = static_cast<int>(left < kAtOnce ? left : kAtOnce);
  read_values(view.type, view.data + row * view.row_stride + column * view.column_stride,
              32 * view.column_stride, there, values);
  return there;
}

// read(column, values) as above. Neither large nor small values spoil the norm.
template <class Read>
__device__ __forceinline__ RowSize size_of_row(int64_t columns, Read&& read) {
  const int lane = ptx::thread() % 32;
  double largest = 0, sum = 0, values[kAtOnce];
  bool finite = true;
  for (int64_t c = lane; c < columns; c += 32 * kAtOnce) {
    read(c, values);
#pragma unroll
    for (int i = 0; i < kAtOnce; ++i) {
      const double size = std::abs(values[i]);
      finite = finite && size <= 1.7976931348623157e308;
      largest = size > largest ? size : largest;
      sum += size * size;
    }
  }
  if (ptx::any(!finite)) return {false, 0};
  largest = largest_of_lanes(largest);
  if (largest == 0) return {true, 0};
  if (largest >= 0x1p-400 && largest < 0x1p400) return {true, std::sqrt(sum_of_lanes(sum))};
  // Squares of values near 1: a power of two changes no digit.
  const int exponent = largest < 0x1p-1000   ? -1000
                       : largest >= 0x1p1022 ? 1022  // the last whose reciprocal is normal
                                             : exponent_of(largest);
  const double to_one = power_of_two(-exponent), back = power_of_two(exponent);
  sum = 0;
  for (int64_t c = lane; c < columns; c += 32 * kAtOnce) {
    read(c, values);
#pragma unroll
    for (int i = 0; i < kAtOnce; ++i) sum += values[i] * to_one * (values[i] * to_one);
  }
  return {true, std::sqrt(sum_of_lanes(sum)) * back};
}

// A warp for a row: whether it is finite, and |x_i|.
__global__ __launch_bounds__(kThreads, 3) void measure_rows(Features features) {
  const int64_t row = ptx::block() * kWarps + ptx::thread() / 32;
  if (row >= features.view.rows) return;
  const RowSize size =
      size_of_row(features.view.columns, [&](int64_t column, double (&values)[kAtOnce]) {
        read_of_row(features, row, column, values);
      });
  if (ptx::thread() % 32 != 0) return;
  features.norms[row] = size.norm;
  const int index = static_cast<int>(row);
  if (!size.finite) ptx::atomic_min(&features.status->nonfinite, index);
  if (size.finite && features.unit && size.norm == 0)
    ptx::atomic_min(&features.status->zero, index);
  if (size.finite && !features.unit && !(size.norm < 1e150))
    ptx::atomic_min(&features.status->overflows, index);
}

// |c_i| above which a row is left out of the centre.
__device__ double far_limit(const Features& features) {
  int64_t seen = 0;
  for (int e = 0; e < kExponents; ++e) {
    seen += features.exponents[e];
    if (2 * seen >= features.view.rows)
      return e + kNear + 1 < 2046 ? power_of_two(e - 1023 + kNear + 1) : 0x1p1023;
  }
  return 0x1p1023;
}

// partial[chunk][column] = the sum over the chunk's rows of what they differ from the first row by;
// one thread for a column of a chunk. A last column counts the rows.
__global__ __launch_bounds__(kThreads, 3) void add_chunks(Features features, bool near_only) {
  const int64_t columns = features.view.columns, groups = columns / kThreads + 1;
  const int64_t chunk = ptx::block() / groups;
  const int64_t column = ptx::block() % groups * kThreads + ptx::thread();
  if (column > columns || !usable(*features.status)) return;
  const double limit = near_only ? far_limit(features) : 0;
  const int64_t first = chunk * kChunkRows, end = first + kChunkRows;
  const int64_t last = end < features.view.rows ? end : features.view.rows;
  const auto counts = [&](int64_t row) {
    return !near_only || features.centred_norms[row] < limit;
  };
  double sum = 0;
  if (column == columns) {
    for (int64_t row = first; row < last; ++row) sum += counts(row) ? 1.0 : 0.0;
  } else {
    // Differences to one of the rows are summed, not the rows: a constant feature then has exactly
    // its own value as its centre.
    const double origin = plain_value(features, 0, column);
    const ArrayView& view = features.view;
    for (int64_t row = first; row < last; row += kAtOnce) {
      const int there = static_cast<int>(last - row < kAtOnce ? last - row : kAtOnce);
      double values[kAtOnce];
      read_values(view.type, view.data + row * view.row_stride + column * view.column_stride,
                  view.row_stride, there, values);
#pragma unroll
      for (int i = 0; i < kAtOnce; ++i) {
        if (i >= there || !counts(row + i)) continue;
        sum += (features.unit ? values[i] / features.norms[row + i] : values[i]) - origin;
      }
    }
  }
  features.partial[chunk * (columns + 1) + column] = sum;
}

__global__ void add_partial_sums(Features features, int64_t chunks) {
  const int64_t columns = features.view.columns;
  const int64_t column = ptx::block() * kThreads + ptx::thread();
  if (column >= columns || !usable(*features.status)) return;
  double sum = 0, count = 0;
#pragma unroll 8
  for (int64_t chunk = 0; chunk < chunks; ++chunk) {
    sum += features.partial[chunk * (columns + 1) + column];
    count += features.partial[chunk * (columns + 1) + columns];
  }
  features.centre[column] = plain_value(features, 0, column) + sum / count;
}

// A warp for a row: |c_i|, the largest of them, and their exponents where a robust centre asks.
__global__ void measure_centred_rows(Features features, bool count_exponents) {
  const int64_t row = ptx::block() * kWarps + ptx::thread() / 32;
  if (row >= features.view.rows || !usable(*features.status)) return;
  const bool centred = features.centre_by != Centre::none;
  double sum = size_of_row(features.view.columns, [&](int64_t column, double (&values)[kAtOnce]) {
                 const int there = read_of_row(features, row, column, values);
#pragma unroll
                 for (int i = 0; i < kAtOnce; ++i) {
                   if (features.unit) values[i] /= features.norms[row];
                   if (centred && i < there) values[i] -= features.centre[column + 32 * i];
                 }
               }).norm;
  if (ptx::thread() % 32 != 0) return;
  features.centred_norms[row] = sum;
  // Rows of one direction differ by what normalisation rounds off.
  if (features.unit && sum < 0x1p-48) sum = 0;
  if (count_exponents)
    ptx::atomic_add(&features.exponents[ptx::double_bits(sum) >> 52 & 0x7ff], 1);
  else
    // Of numbers that are not negative, bits are ordered as the numbers.
    ptx::atomic_max(features.largest, ptx::double_bits(sum));
}

int64_t row_blocks(const Features& features) { return (features.view.rows + kWarps - 1) / kWarps; }

void find_centre(const Features& features, bool near_only, Stream stream) {
  const int64_t chunks = chunks_of(features.view.rows), columns = features.view.columns;
  launch("add_chunks", add_chunks, chunks * (columns / kThreads + 1), kThreads, 0, stream, features,
         near_only);
  launch("add_partial_sums", add_partial_sums, (columns + kThreads - 1) / kThreads, kThreads, 0,
         stream, features, chunks);
}

void start(const Features& features, Stream stream) {
  launch("clear_status", clear_status, 1, 32, 0, stream, features);
  fill(features.largest, 0, sizeof(uint64_t), stream);
  launch("measure_rows", measure_rows, row_blocks(features), kThreads, 0, stream, features);
}

}  // namespace

Features take_features(const ArrayView& view, bool unit, Centre centre, Workspace& workspace) {
  Features features{};
  features.view = view;
  features.unit = unit;
  features.centre_by = centre;
  const bool robust = centre == Centre::robust;
  features.status = workspace.take<RowStatus>(1);
  features.norms = workspace.take<double>(view.rows);
  features.centre = workspace.take<double>(view.columns);
  features.centred_norms = workspace.take<double>(view.rows);
  features.largest = workspace.take<uint64_t>(1);
  features.exponents = workspace.take<int>(robust ? kExponents : 0);
  features.partial = workspace.take<double>(
      centre == Centre::none ? 0 : chunks_of(view.rows) * (view.columns + 1));
  return features;
}

void measure_features(const Features& features, Stream stream) {
  start(features, stream);
  if (features.centre_by != Centre::none) find_centre(features, false, stream);
  if (features.centre_by == Centre::robust) {
    fill(features.exponents, 0, kExponents * sizeof(int), stream);
    launch("measure_centred_rows", measure_centred_rows, row_blocks(features), kThreads, 0, stream,
           features, true);
    find_centre(features, true, stream);
  }
  launch("measure_centred_rows", measure_centred_rows, row_blocks(features), kThreads, 0, stream,
         features, false);
}

void measure_features(const Features& queries, const Features& frame, Stream stream) {
  start(queries, stream);
  copy(queries.centre, frame.centre, sizeof(double) * frame.view.columns, stream);
  launch("measure_centred_rows", measure_centred_rows, row_blocks(queries), kThreads, 0, stream,
         queries, false);
}

}  // namespace mmkernels::cuda
