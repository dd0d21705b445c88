#include <algorithm>
#include <bit>
#include <cmath>

#include "prefix.hpp"

namespace mmkernels::cpu {
namespace {

// The least value of the packed type that is not below a positive one.
void round_up_to(double value, float* out) { *out = round_up(value); }
void round_up_to(double value, uint16_t* out) {
  *out = static_cast<uint16_t>((std::bit_cast<uint32_t>(round_up(value)) + 0xffff) >> 16);
}
double widened(float value) { return value; }
double widened(uint16_t value) { return std::bit_cast<float>(static_cast<uint32_t>(value) << 16); }

RowMoments round_row(const double* row, const double* zeros, int64_t n, float* out) {
  return tile_kernels().of_doubles.pack_float(row, zeros, 1, 1, n, out);
}
RowMoments round_row(const double* row, const double* zeros, int64_t n, uint16_t* out) {
  return tile_kernels().of_doubles.pack_bfloat16(row, zeros, 1, 1, n, out);
}

// Packs 32 rows at a time; one object per thread.
template <class Value>
class PrefixPacker {
 public:
  PrefixPacker(const Features& features, const PrincipalAxes& axes)
      : features_(features), axes_(axes), depth_(features.view.columns), count_(axes.count()),
        zeros_(count_), row_(depth_), rows_(depth_ * kPanel),
        panel_(make_aligned<float>(depth_ * kPanel)), projected_(count_ * kPanel), one_(count_) {}

  // out: `values` packed values for each of the rows first, ..., last - 1.
  void pack(int64_t first, int64_t last, int64_t values, Value* out, PackedRows& rows,
            Location* locations) {
    std::fill(rows_.begin(), rows_.end(), 0.0f);
    RowMoments moments[kPanel];
    for (int64_t i = first; i < last; ++i)
      moments[i - first] =
          features_.pack_row(i, row_.data(), rows_.data() + (i - first) * depth_);
    tile_kernels().interleave(rows_.data(), depth_, panel_.get());
    axes_.project(panel_.get(), projected_.data());
    for (int64_t i = first; i < last; ++i) {
      for (int64_t q = 0; q < count_; ++q) one_[q] = projected_[q * kPanel + i - first];
      for (int v = 0; v < Location::kDirections; ++v)
        locations[i].along[v] = static_cast<float>(one_[v]);
      finish(i, moments[i - first], out + (i - first) * values, rows);
    }
  }

 private:
  // Rounds the projected row and bounds what that, and leaving out the rest, changed.
  void finish(int64_t i, const RowMoments& moments, Value* out, PackedRows& rows) const {
    const RowMoments kept = round_row(one_.data(), zeros_.data(), count_, out);
    const double square = moments.square * (1 + 1e-9), norm = std::sqrt(square);
    const double defect = axes_.defect(), projected = std::sqrt(kept.square);
    const double error =
        (1 + defect) * std::sqrt(moments.lost) +
        std::sqrt(static_cast<double>(count_)) * axes_.projection_error() * norm;
    // |V c|^2 (1 - defect) <= the square of what is inside the directions; the last term covers the
    // part of a product that V'V, not quite a projection, gets wrong there.
    const double inside = std::max(0.0, projected - error);
    const double outside = square - inside * inside * (1 - defect) + defect * square;
    round_up_to(std::sqrt(std::max(0.0, outside)), out + count_);
    const double tail = widened(out[count_]), lost = std::sqrt(kept.lost);
    rows.norms[i] = std::sqrt(moments.square);
    rows.centre_products[i] = features_.scale * moments.with_centre;
    rows.residuals[i] = round_up(error + lost);
    rows.lengths[i] = round_up(std::hypot(projected + lost, tail) + rows.residuals[i]);
    rows.tails[i] = static_cast<float>(tail);
  }

  const Features& features_;
  const PrincipalAxes& axes_;
  const int64_t depth_, count_;
  const std::vector<double> zeros_;
  std::vector<double> row_;
  std::vector<float> rows_;
  AlignedBuffer<float> panel_;
  std::vector<double> projected_, one_;  // [direction][row], and one row of it
};

template <class Values>
void permute(const Order& order, Values& values) {
  const Values before(values);
  for (size_t i = 0; i < order.size(); ++i) values[i] = before[order[i]];
}

template <class Value>
void pack(const Features& features, const PrincipalAxes& axes, Panels& panels, const Call& call,
          Order* order) {
  const int64_t n = features.view.rows, values = panels.values();
  std::vector<Value> packed(n * values);
  std::vector<Location> locations(n);
  std::vector<std::unique_ptr<PrefixPacker<Value>>> packers(call.threads);
  parallel_for(panels.count, call, [&](int64_t index, int thread) {
    if (!packers[thread]) packers[thread] = std::make_unique<PrefixPacker<Value>>(features, axes);
    const int64_t first = index * kPanel;
    packers[thread]->pack(first, std::min(n, first + kPanel), values,
                          packed.data() + first * values, panels.rows, locations.data());
  });
  const Order placed = order ? neighborly_order(locations) : Order{};
  std::vector<std::vector<Value>> buffers(call.threads);
  parallel_for(panels.count, call, [&](int64_t index, int thread) {
    std::vector<Value>& rows = buffers[thread];
    rows.assign(values * kPanel, Value{});
    for (int64_t i = index * kPanel; i < std::min(n, (index + 1) * kPanel); ++i)
      std::copy_n(packed.data() + row_at(placed, i) * values, values,
                  rows.data() + i % kPanel * values);
    tile_kernels().interleave(rows.data(), panels.depth,
                              panels.data.get() + index * panels.depth * kPanel);
  });
  if (!order) return;
  permute(placed, panels.rows.norms);
  permute(placed, panels.rows.centre_products);
  permute(placed, panels.rows.lengths);
  permute(placed, panels.rows.residuals);
  permute(placed, panels.rows.tails);
  *order = placed;
}

}  // namespace

Panels pack_prefix(const Features& features, const PrincipalAxes& axes, bool bfloat16,
                   const Call& call, Order* order) {
  const int64_t n = features.view.rows, count = panel_count(n), values = axes.count() + 1;
  const int64_t depth = bfloat16 ? (values + 1) / 2 : values;
  Panels panels{depth, count, bfloat16, make_aligned<float>(count * depth * kPanel), PackedRows(n)};
  if (bfloat16)
    pack<uint16_t>(features, axes, panels, call, order);
  else
    pack<float>(features, axes, panels, call, order);
  return panels;
}

}  // namespace mmkernels::cpu
