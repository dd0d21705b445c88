#include "feature_products.hpp"

#include <algorithm>

#include "feature_tiles.cuh"

namespace mmkernels::cuda {
namespace {

constexpr int kThreads = 128;

// The set by number, and who its blocks belong to.
__global__ void note_set(FeatureTable table, FeatureSet set, int number) {
  if (ptx::block() == 0 && ptx::thread() == 0) table.by_number[number] = set;
  const int64_t block = ptx::block() * kThreads + ptx::thread();
  if (block < set.blocks) table.set_of_block[set.first_block + block] = number;
}

// How kernels take a job.
struct TileWay {
  int pieces;     // of a tile
  int64_t depth;  // of a step
  int64_t run;    // samples that are summed in float32
  int64_t places;  // of a large device: units at work at a time
};

// What tensor cores cut off grows with the samples of a run, and matters the less the fewer digits
// operands have.
int64_t run_samples(int parts) { return parts == 1 ? 4096 : 1024; }

constexpr int kExactPieces = kTileColumns / kExactColumns;

TileWay way_of(const FeatureTable& table) {
  const int64_t run = run_samples(table.parts);
  if (table.path == Path::hopper) return {1, kHopperSamples, run, 132};
  return {table.parts == 3 ? kTileColumns / ExactTier::kColumns : 1, kDepth, run, 264};
}
constexpr TileWay kExactWay{kExactPieces, kDepth, 1024, 264};

// As many units as fill all places some times over, whole; the samples of the others are divided so
// that places have about equally much to do. A function of the problem alone: sums are the same on
// every device.
std::vector<TileJob> divided(TileJob job, const TileWay& way) {
  constexpr int64_t most_items = 1056;  // whose sums wait to be added up
  TileJob rest = job;
  job.units = job.units / way.places * way.places;
  rest.first_unit = job.units;
  rest.units -= job.units;
  double best = 0;
  const int64_t most = rest.units == 0 ? 0 : std::min(rest.runs, most_items / rest.units);
  for (int64_t slices = 1; slices <= most; ++slices) {
    const int64_t rounds = (rest.units * slices + way.places - 1) / way.places;
    const int64_t longest = (rest.runs + slices - 1) / slices;
    const double busy = static_cast<double>(rest.units * rest.runs) /
                        static_cast<double>(rounds * longest * way.places);
    if (busy > best * 1.02) {
      best = busy;
      rest.slices = slices;
    }
  }
  if (rest.slices > 1) return job.units ? std::vector{job, rest} : std::vector{rest};
  job.units += rest.units;
  return {job};
}

// The squares and the rectangle of Z'Z that are needed.
std::vector<TileJob> jobs_of(const FeatureAlignment& alignment, const TileWay& way) {
  const FeatureTable& table = alignment.table;
  std::vector<TileJob> jobs;
  const auto add = [&](bool square, int64_t row, int64_t rows, int64_t column, int64_t columns) {
    TileJob job{};
    job.square = square;
    job.first_row = row;
    job.rows = rows;
    job.first_column = column;
    job.columns = columns;
    job.pieces = way.pieces;
    job.units = job.tiles() * way.pieces;
    job.slices = 1;
    job.steps = (padded_depth(table.samples) + way.depth - 1) / way.depth;
    job.run_steps = way.run / way.depth;
    job.runs = (job.steps + job.run_steps - 1) / job.run_steps;
    for (const TileJob& part : divided(job, way)) jobs.push_back(part);
  };
  // Of a pair, the square holds nothing else.
  if (table.symmetric || (table.selves && table.sets == 2)) {
    add(true, 0, table.blocks, 0, table.blocks);
    return jobs;
  }
  if (table.selves)
    for (const FeatureSet& set : alignment.sets)
      add(true, set.first_block, set.blocks, set.first_block, set.blocks);
  const int64_t middle = alignment.sets[table.lefts].first_block;
  add(false, 0, middle, middle, table.blocks - middle);
  return jobs;
}

int64_t slot_values(const FeatureAlignment& alignment) {
  int64_t most = 0;
  for (const TileWay& way : {way_of(alignment.table), kExactWay})
    for (const TileJob& job : jobs_of(alignment, way))
      most = std::max(most, blocks_of(job) * kTileRows * kTileColumns / way.pieces);
  return most;
}

}  // namespace

FeatureAlignment take_feature_alignment(const std::vector<ArrayView>& views, int lefts, bool unit,
                                        int parts, FeatureScore score, Path path,
                                        Workspace& workspace) {
  FeatureAlignment alignment{};
  alignment.score = score;
  FeatureTable& table = alignment.table;
  table.samples = views[0].rows;
  table.sets = static_cast<int>(views.size());
  table.lefts = lefts;
  table.parts = parts;
  table.path = path;
  table.symmetric = lefts == table.sets;
  table.selves = score == FeatureScore::cka;
  for (const ArrayView& view : views) {
    FeatureSet set{};
    set.features = take_features(view, unit, Centre::mean, workspace);
    set.first_block = table.blocks;
    set.blocks = padded_rows(view.columns) / kBlockRows;
    table.blocks += set.blocks;
    alignment.sets.push_back(set);
  }
  // One after the other, whole multiples of what the workspace aligns to: one array of rows.
  for (FeatureSet& set : alignment.sets)
    set.operand = take_transposed_split(set.features, parts, workspace);
  table.operands = alignment.sets[0].operand.parts;
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
  const TileWay way = way_of(table);
  for (const TileJob& job : jobs_of(alignment, way)) {
    const auto add = table.path == Path::hopper ? add_hopper_products : add_tile_products;
    add(table, job, stream);
    add_slices(table, job, false, stream);
  }
  find_values(table, estimator, way.pieces, false, stream);
  if (estimator != Estimator::gretton) {
    for (const TileJob& job : jobs_of(alignment, kExactWay)) {
      add_exact_products(table, job, stream);
      add_slices(table, job, true, stream);
    }
    find_values(table, estimator, kExactPieces, true, stream);
  }
  write_scores(table, alignment.score, scores, stream);
}

}  // namespace mmkernels::cuda
