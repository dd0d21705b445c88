#include "feature_products.hpp"

#include <algorithm>

#include "feature_tiles.cuh"

namespace mmkernels::cuda {
namespace {

constexpr int kThreads = 128;

// Steps of kDepth samples that are summed in float32. What tensor cores cut off grows with them, and
// matters the less the fewer digits operands have.
int64_t run_steps(int parts) { return parts == 3 ? 32 : parts == 2 ? 32 : 128; }

// The set by number, and who its blocks belong to.
__global__ void note_set(FeatureTable table, FeatureSet set, int number) {
  if (ptx::block() == 0 && ptx::thread() == 0) table.by_number[number] = set;
  const int64_t block = ptx::block() * kThreads + ptx::thread();
  if (block < set.blocks) table.set_of_block[set.first_block + block] = number;
}

TileJob job_of(const FeatureTable& table, int parts, int pieces, TileJob job) {
  job.pieces = pieces;
  job.steps = padded_depth(table.samples) / kDepth;
  job.run_steps = run_steps(parts);
  job.runs = (job.steps + job.run_steps - 1) / job.run_steps;
  return divided(job);
}

// The squares and the rectangle of Z'Z that are needed.
std::vector<TileJob> jobs_of(const FeatureAlignment& alignment, int parts, int pieces) {
  const FeatureTable& table = alignment.table;
  const auto job = [&](bool square, int64_t row, int64_t rows, int64_t column, int64_t columns) {
    return job_of(table, parts, pieces, TileJob{square, row, rows, column, columns, 0, 0, 0, 0, 0});
  };
  // Of a pair, the square holds nothing else.
  if (table.symmetric || (table.selves && table.sets == 2))
    return {job(true, 0, table.blocks, 0, table.blocks)};
  std::vector<TileJob> jobs;
  if (table.selves)
    for (const FeatureSet& set : alignment.sets)
      jobs.push_back(job(true, set.first_block, set.blocks, set.first_block, set.blocks));
  const int64_t middle = alignment.sets[table.lefts].first_block;
  jobs.push_back(job(false, 0, middle, middle, table.blocks - middle));
  return jobs;
}

int pieces_of(int parts) { return parts == 3 ? kTileColumns / ExactTier::kColumns : 1; }
constexpr int kExactPieces = kTileColumns / kExactColumns;

int64_t slot_values(const FeatureAlignment& alignment) {
  int64_t most = 0;
  const auto count = [&](int parts, int pieces) {
    for (const TileJob& job : jobs_of(alignment, parts, pieces))
      most = std::max(most, blocks_of(job) * kTileRows * kTileColumns / pieces);
  };
  count(alignment.table.parts, pieces_of(alignment.table.parts));
  count(3, kExactPieces);
  return most;
}

}  // namespace

FeatureAlignment take_feature_alignment(const std::vector<ArrayView>& views, int lefts, bool unit,
                                        int parts, FeatureScore score, Workspace& workspace) {
  FeatureAlignment alignment{};
  alignment.score = score;
  FeatureTable& table = alignment.table;
  table.samples = views[0].rows;
  table.sets = static_cast<int>(views.size());
  table.lefts = lefts;
  table.parts = parts;
  table.symmetric = lefts == table.sets;
  table.selves = score == FeatureScore::cka;
  for (const ArrayView& view : views) {
    FeatureSet set{};
    set.features = take_features(view, unit, Centre::mean, workspace);
    set.operand = take_transposed_split(set.features, parts, workspace);
    set.first_block = table.blocks;
    set.blocks = set.operand.rows / kBlockRows;
    table.blocks += set.blocks;
    alignment.sets.push_back(set);
  }
  const int64_t pairs = static_cast<int64_t>(table.sets) * table.sets;
  table.by_number = workspace.take<FeatureSet>(table.sets);
  table.set_of_block = workspace.take<int>(table.blocks);
  table.slots = workspace.take<double>(slot_values(alignment));
  table.tile_sums = workspace.take<double>(kExactPieces * table.blocks * table.blocks);
  table.diagonals = workspace.take<double>(pairs * diagonal_parts(table.samples) * 4);
  table.values = workspace.take<double>(pairs);
  table.magnitudes = workspace.take<double>(pairs);
  table.recompute = workspace.take<int>(table.sets + 1);
  return alignment;
}

void score_features(const FeatureAlignment& alignment, Estimator estimator, double* scores,
                    Stream stream) {
  const FeatureTable& table = alignment.table;
  for (int number = 0; number < table.sets; ++number) {
    const FeatureSet& set = alignment.sets[number];
    measure_features(set.features, stream);
    pack_transposed_split(set.features, set.operand, stream);
    launch("note_set", note_set, (set.blocks + kThreads - 1) / kThreads, kThreads, 0, stream, table,
           set, number);
  }
  fill(table.recompute, 0, sizeof(int) * (table.sets + 1), stream);
  add_diagonals(table, stream);
  const int pieces = pieces_of(table.parts);
  for (const TileJob& job : jobs_of(alignment, table.parts, pieces)) {
    add_tile_products(table, job, stream);
    add_slices(table, job, false, stream);
  }
  find_values(table, estimator, pieces, false, stream);
  if (estimator != Estimator::gretton) {
    for (const TileJob& job : jobs_of(alignment, 3, kExactPieces)) {
      add_exact_products(table, job, stream);
      add_slices(table, job, true, stream);
    }
    find_values(table, estimator, kExactPieces, true, stream);
  }
  write_scores(table, alignment.score, scores, stream);
}

}  // namespace mmkernels::cuda
