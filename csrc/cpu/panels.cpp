#include "panels.hpp"

#include <algorithm>

#include "features.hpp"

namespace mmkernels::cpu {
namespace {

// Rows of `depth` values each, a whole number of words, into panels.
template <class Value>
void pack(const Features& features, int64_t depth, Panels& panels, const Call& call) {
  const int64_t n = features.view.rows;
  PackedRows& rows = panels.rows;
  struct Buffer {
    std::vector<double> row;
    std::vector<Value> packed;  // the rows of one panel, each contiguous
  };
  std::vector<Buffer> buffers(call.threads);
  parallel_for(panels.count, call, [&](int64_t index, int thread) {
    Buffer& buffer = buffers[thread];
    buffer.row.resize(features.view.columns);
    buffer.packed.assign(depth * kPanel, Value{});
    const int64_t first = index * kPanel, last = std::min(n, first + kPanel);
    for (int64_t i = first; i < last; ++i) {
      const RowMoments moments =
          features.pack_row(i, buffer.row.data(), buffer.packed.data() + (i - first) * depth);
      rows.norms[i] = std::sqrt(moments.square);
      rows.centre_products[i] = features.scale * moments.with_centre;
      rows.residuals[i] = round_up(std::sqrt(moments.lost));
      rows.lengths[i] = round_up(rows.norms[i] + rows.residuals[i]);
    }
    tile_kernels().interleave(buffer.packed.data(), panels.depth,
                              panels.data.get() + index * panels.depth * kPanel);
  });
}

}  // namespace

PackedRows::PackedRows(int64_t rows)
    : norms(rows), centre_products(rows), lengths(panel_count(rows) * kPanel),
      residuals(panel_count(rows) * kPanel), tails(panel_count(rows) * kPanel) {}

Panels pack_panels(const Features& features, bool bfloat16, const Call& call) {
  const int64_t n = features.view.rows, d = features.view.columns, count = panel_count(n);
  const int64_t depth = bfloat16 ? (d + 1) / 2 : d;
  Panels panels{depth, count, bfloat16, make_aligned<float>(count * depth * kPanel), PackedRows(n)};
  if (bfloat16)
    pack<uint16_t>(features, 2 * depth, panels, call);
  else
    pack<float>(features, depth, panels, call);
  return panels;
}

}  // namespace mmkernels::cpu
