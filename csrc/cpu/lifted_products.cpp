#include "lifted_products.hpp"

#include <algorithm>

namespace mmkernels::cpu {
namespace {

int64_t wide_panels(int64_t columns) { return (columns + kWidePanel - 1) / kWidePanel; }

// Samples per block: the two panels of a product stay in the first two levels of cache, and few
// features do not make a thread wait for the others all the time. A function of the problem alone,
// as each block's sums are added to those before it.
int64_t samples_per_block(int64_t panels) {
  return std::clamp<int64_t>(8192 / panels / 256 * 256, 256, 1024);
}

// Lifted rows of a block of samples as panels of 16 columns, [panel][sample][16].
void pack_lifted(const Placed& rows, int64_t first, int64_t count, double* out,
                 std::vector<std::vector<double>>& buffers, const Call& call) {
  const Features& features = *rows.features;
  const int64_t d = features.view.columns, panels = wide_panels(d + 2);
  constexpr int64_t chunk = 16;
  parallel_for((count + chunk - 1) / chunk, call, [&](int64_t index, int thread) {
    std::vector<double>& buffer = buffers[thread];
    buffer.resize(panels * kWidePanel + d);
    double *lifted = buffer.data(), *as_read = buffer.data() + panels * kWidePanel;
    for (int64_t i = index * chunk; i < std::min(count, (index + 1) * chunk); ++i) {
      std::fill(lifted, as_read, 0.0);
      features.with_row(first + i, as_read, [&](auto* values, double factor) {
        row_kernels(values).add(lifted, values, rows.centre, factor, d);
      });
      for (int64_t c = 0; c < d; ++c) lifted[c] *= rows.scale;
      lifted[d] = row_kernels(lifted).square(lifted, d);
      lifted[d + 1] = 1;
      for (int64_t p = 0; p < panels; ++p)
        std::copy_n(lifted + p * kWidePanel, kWidePanel, out + (p * count + i) * kWidePanel);
    }
  });
}

void add_tile(const double* tile, int64_t rows, int64_t columns, double* out, int64_t width) {
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c) out[r * width + c] += tile[r * kWidePanel + c];
}

// In squares, of which the columns of one stay in the cache.
void copy_upper_to_lower(double* matrix, int64_t n, const Call& call) {
  constexpr int64_t side = 64;
  parallel_for((n + side - 1) / side, call, [&](int64_t index, int) {
    const int64_t last = std::min(n, (index + 1) * side);
    for (int64_t first = 0; first < last; first += side)
      for (int64_t r = index * side; r < last; ++r)
        for (int64_t c = first; c < std::min(r, first + side); ++c)
          matrix[r * n + c] = matrix[c * n + r];
  });
}

}  // namespace

void add_lifted_products(const Placed& x, const Placed& y, double* out, const Call& call) {
  const bool symmetric = x.features == y.features;
  const int64_t n = x.features->view.rows;
  const int64_t height = x.features->view.columns + 2, width = y.features->view.columns + 2;
  const int64_t panels_x = wide_panels(height), panels_y = wide_panels(width);
  const int64_t block = samples_per_block(panels_x + panels_y);
  AlignedBuffer<double> block_x = make_aligned<double>(block * panels_x * kWidePanel);
  AlignedBuffer<double> block_y =
      symmetric ? nullptr : make_aligned<double>(block * panels_y * kWidePanel);
  const double* other = symmetric ? block_x.get() : block_y.get();

  // A unit of work is one left panel and a few right ones.
  constexpr int64_t group = 8;
  std::vector<std::pair<int64_t, int64_t>> units;
  for (int64_t i = 0; i < panels_x; ++i)
    for (int64_t j = symmetric ? i / group * group : 0; j < panels_y; j += group)
      units.emplace_back(i, j);
  std::vector<std::vector<double>> buffers(call.threads);
  for (int64_t first = 0; first < n; first += block) {
    const int64_t count = std::min(block, n - first);
    pack_lifted(x, first, count, block_x.get(), buffers, call);
    if (!symmetric) pack_lifted(y, first, count, block_y.get(), buffers, call);
    parallel_for(static_cast<int64_t>(units.size()), call, [&](int64_t unit, int) {
      alignas(64) double tile[kWideTile];
      const auto [i, start] = units[unit];
      for (int64_t j = symmetric ? std::max(i, start) : start;
           j < std::min(start + group, panels_y); ++j) {
        tile_kernels().multiply_wide(block_x.get() + i * count * kWidePanel,
                                     other + j * count * kWidePanel, count, tile);
        const int64_t row = i * kWidePanel, column = j * kWidePanel;
        add_tile(tile, std::min<int64_t>(kWidePanel, height - row),
                 std::min<int64_t>(kWidePanel, width - column), out + row * width + column, width);
      }
    });
  }
  if (symmetric) copy_upper_to_lower(out, height, call);
}

void add_moved_products(const double* products, int64_t d_x, const Move& move_x, int64_t d_y,
                        const Move& move_y, double* out, const Call& call) {
  const int64_t width = d_y + 2;
  const double square_x = move_x.ratio * move_x.ratio, square_y = move_y.ratio * move_y.ratio;
  double length_y = 0;
  for (int64_t c = 0; c < d_y; ++c) length_y += move_y.shift[c] * move_y.shift[c];
  // row = row T': what moves the rows of y.
  const auto move_row = [&](const double* row, double* moved) {
    double with_shift = 0;
    for (int64_t c = 0; c < d_y; ++c) with_shift += row[c] * move_y.shift[c];
    for (int64_t c = 0; c < d_y; ++c)
      moved[c] = move_y.ratio * row[c] + move_y.shift[c] * row[d_y + 1];
    moved[d_y] = 2 * move_y.ratio * with_shift + square_y * row[d_y] + length_y * row[d_y + 1];
    moved[d_y + 1] = row[d_y + 1];
  };
  std::vector<double> ones(width), squares(width);
  move_row(products + (d_x + 1) * width, ones.data());
  move_row(products + d_x * width, squares.data());

  // The row of squares takes part of every other row; partial sums over a fixed division of them.
  constexpr int64_t chunk = 32;
  const int64_t chunks = (d_x + chunk - 1) / chunk;
  std::vector<std::vector<double>> partial(chunks);
  std::vector<std::vector<double>> buffers(call.threads);
  parallel_for(chunks, call, [&](int64_t index, int thread) {
    std::vector<double>& moved = buffers[thread];
    moved.resize(width);
    std::vector<double>& sum = partial[index];
    sum.assign(width, 0.0);
    for (int64_t r = index * chunk; r < std::min(d_x, (index + 1) * chunk); ++r) {
      move_row(products + r * width, moved.data());
      const double shift = move_x.shift[r];
      for (int64_t c = 0; c < width; ++c) {
        sum[c] += shift * moved[c];
        out[r * width + c] += move_x.ratio * moved[c] + shift * ones[c];
      }
    }
  });
  double length_x = 0;
  for (int64_t r = 0; r < d_x; ++r) length_x += move_x.shift[r] * move_x.shift[r];
  double *out_squares = out + d_x * width, *out_ones = out_squares + width;
  for (int64_t c = 0; c < width; ++c) {
    double with_shift = 0;
    for (const std::vector<double>& sum : partial) with_shift += sum[c];
    out_squares[c] += 2 * move_x.ratio * with_shift + square_x * squares[c] + length_x * ones[c];
    out_ones[c] += ones[c];
  }
}

}  // namespace mmkernels::cpu
