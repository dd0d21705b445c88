#include "gram_pass.cuh"

namespace mmkernels::cuda {
namespace {

__global__ void store_matrix(KernelMatrix matrix, KernelMatrix* at) {
  if (ptx::thread() == 0) *at = matrix;
}

}  // namespace

GramPass take_gram_pass(int64_t samples, int count, Workspace& workspace) {
  const int64_t rows = padded_rows(samples), panels = rows / kBlockRows;
  GramPass pass{};
  pass.schedule = {panels, 0, farthest_distance(panels), kGramHeight};
  pass.samples = samples;
  pass.count = count;
  pass.matrices = workspace.take<KernelMatrix>(count);
  static_assert(kMostRuns * kSumsOfRun >= kMostGramBlocks);
  const int64_t sums = count != 2 ? kMatrixBlocks * (kTileThreads / 32) : kMostRuns * kSumsOfRun;
  pass.products = workspace.take<double>(sums * pass.pairs());
  pass.rows = workspace.take<uint64_t>(count * rows);
  pass.tiles = workspace.take<float>(count != 2 ? kMatrixBlocks * count * kTileEntries : 0);
  pass.values = workspace.take<double>(pass.pairs());
  pass.selves = workspace.take<double>(count);
  pass.magnitudes = workspace.take<double>(pass.pairs());
  pass.lost = workspace.take<int>(count + 1);
  pass.wide_rows = workspace.take<double>(count * samples);
  pass.wide_products = workspace.take<double>(pass.pairs() * (rows / kWideSide));
  return pass;
}

void run_gram_pass(const std::vector<KernelMatrix>& matrices, const GramPass& pass,
                   Estimator estimator, Stream stream) {
  const KernelMatrix& first = matrices[0];
  const bool hopper = pass.count == 2 && first.path == Path::hopper;
  for (int m = 0; m < pass.count; ++m)
    launch("store_matrix", store_matrix, 1, 32, 0, stream,
           hopper ? matrices[m].on_hopper() : matrices[m], pass.matrices + m);
  fill(pass.rows, 0, static_cast<size_t>(pass.count * first.operand.rows) * sizeof(uint64_t), stream);
  fill(pass.lost, 0, static_cast<size_t>(pass.count + 1) * sizeof(int), stream);
  int64_t sums = 0;
  if (hopper)
    sums = add_products_on_hopper(first.on_hopper(), matrices[1].on_hopper(), pass, stream);
  else if (pass.count == 2)
    sums = add_products_of_two(first, matrices[1], pass, stream);
  else
    sums = add_products_of_all(first.precision, pass, stream);
  find_hsic_values(pass, sums, estimator, stream);
  if (first.precision == Precision::exact) recompute_lost_values(pass, estimator, stream);
}

}  // namespace mmkernels::cuda
