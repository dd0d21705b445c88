// The product of each row of an operand with itself, summed as Hopper's tiles sum it.
#include "gram_pass.cuh"
#include "gram_values.cuh"
#include "sm90_split_product.cuh"

namespace mmkernels::cuda {
namespace {

struct OwnProducts {
  KernelMatrix matrix;
  SplitMaps maps;
};

// Tiles on the diagonal.
template <class Tier>
__global__ __launch_bounds__(kHopperThreads, 1) void multiply_rows_with_themselves(
    const __grid_constant__ OwnProducts own) {
  using Tile = GroupTile<Tier>;
  constexpr int parts = (Tile::kRows + Tile::kColumns - 1) / Tile::kColumns;
  const int row = static_cast<int>(ptx::block() / parts) * Tile::kRows;
  const int column = row + static_cast<int>(ptx::block() % parts) * Tile::kColumns;
  const Ring ring = Tile::ring();
  if (ptx::thread() == 0) make_ring(ring);
  ptx::sync_cluster();
  RingPlace place;
  if (warpgroup() == 0) {
    ptx::give_registers<kProducerRegisters>();
    if (ptx::thread() == 0) fetch_split<Tier>(ring, place, own.maps, row, column);
  } else {
    ptx::take_registers<kConsumerRegisters>();
    typename Tile::Sums products;
    multiply_split<Tier>(ring, place, own.maps.steps, products);
    const float share = own.matrix.own_share();
    for_values<Tile>(products, [&](float product, int, int, int, int r, int c) {
      if (row + r == column + c) own.matrix.hopper_products[row + r] = share * product;
    });
  }
}

}  // namespace

void multiply_rows_on_hopper(const KernelMatrix& matrix, Stream stream) {
  // Rows beyond the operand are of no samples, but read with them.
  fill(matrix.hopper_products, 0, static_cast<size_t>(matrix.lines()) * sizeof(float), stream);
  with_group_tier(matrix.precision, [&](auto tier) {
    using Tile = GroupTile<decltype(tier)>;
    constexpr int parts = (Tile::kRows + Tile::kColumns - 1) / Tile::kColumns;
    static_assert(Tile::kRows == kBlockRows);
    launch_clusters("multiply_rows_with_themselves", multiply_rows_with_themselves<decltype(tier)>,
                    matrix.panels() * parts, 1, kHopperThreads, Tile::kRingBytes, stream,
                    OwnProducts{matrix, make_split_maps<decltype(tier)>(matrix.operand, 1)});
  });
}

}  // namespace mmkernels::cuda
