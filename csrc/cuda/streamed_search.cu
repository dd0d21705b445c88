#include "streamed_search.hpp"

namespace mmkernels::cuda {
namespace {

int64_t bytes_of(Type type) {
  switch (type) {
    case Type::bool8: case Type::int8: case Type::uint8: return 1;
    case Type::float16: case Type::bfloat16: case Type::int16: case Type::uint16: return 2;
    case Type::float32: case Type::int32: case Type::uint32: return 4;
    default: return 8;
  }
}

}  // namespace

StreamedSearch take_streamed_search(int64_t rows, int64_t columns, Type type, Metric metric, int k,
                                    int64_t part_rows, Path path, Workspace& workspace) {
  const int64_t item = bytes_of(type);
  StreamedSearch streamed{};
  const ArrayView all{nullptr, rows, columns, columns * item, item, type};
  streamed.search = take_neighbor_search(all, std::nullopt, metric, k, false, path, workspace);
  streamed.part_rows = part_rows;
  for (int place = 0; place < 2; ++place) {
    streamed.given[place] = workspace.take<char>(part_rows * columns * item);
    streamed.values[place] = workspace.take<uint16_t>(part_rows * padded_depth(columns));
  }
  streamed.exact = workspace.take<double>(part_rows * streamed.search.lists.capacity);
  streamed.indices = workspace.take<int64_t>(part_rows * k);
  streamed.scores = workspace.take<double>(part_rows * k);
  return streamed;
}

void start_streamed(const StreamedSearch& streamed, const double* norms, const double* centre,
                    double largest, Stream stream) {
  const Features& features = streamed.search.candidates;
  const RowStatus usable{kNoRow, kNoRow, kNoRow, 0};
  copy(features.status, &usable, sizeof usable, stream);
  copy(features.norms, norms, sizeof(double) * features.view.rows, stream);
  copy(features.centre, centre, sizeof(double) * features.view.columns, stream);
  copy(features.largest, &largest, sizeof largest, stream);  // read by its bits
  start_lists(streamed.search, stream);
}

void load_part(StreamedSearch& streamed, int place, int64_t first, int64_t count, const void* rows,
               Stream stream) {
  NeighborPart& part = streamed.parts[place];
  part.features = streamed.search.candidates;
  part.features.first_row = first;
  part.features.view.data = streamed.given[place];
  part.features.view.rows = count;
  part.first = first;
  part.count = count;
  part.values = streamed.values[place];
  copy(streamed.given[place], rows, count * part.features.view.row_stride, stream);
  pack_neighbor_part(streamed.search.candidate_rows, part, streamed.search.candidates,
                     streamed.search.metric == Metric::euclidean, false, stream);
}

void meet_places(const StreamedSearch& streamed, int queries, int candidates, Stream stream) {
  if (queries == candidates)
    meet_itself(streamed.search, streamed.parts[queries], stream);
  else
    meet(streamed.search, streamed.parts[queries], streamed.parts[candidates], stream);
}

void score_places(const StreamedSearch& streamed, int candidates, Stream stream) {
  const NeighborPart &own = streamed.parts[0], &others = streamed.parts[candidates];
  if (others.first == 0) collect_overflowed(streamed.search, own, stream);
  score_lists(streamed.search, own, others, own.first, own.count, streamed.exact, stream);
  // Results are written at the places of their rows.
  const int64_t before = own.first * streamed.search.k;
  search_overflowed(streamed.search, own, others, streamed.indices - before,
                    streamed.scores - before, stream);
}

void finish_part(const StreamedSearch& streamed, int64_t* indices, double* scores, Stream stream) {
  const NeighborPart& own = streamed.parts[0];
  const int64_t k = streamed.search.k, before = own.first * k;
  rank_lists(streamed.search, own, own.first, own.count, streamed.exact, streamed.indices - before,
             streamed.scores - before, stream);
  copy(indices, streamed.indices, sizeof(int64_t) * own.count * k, stream);
  copy(scores, streamed.scores, sizeof(double) * own.count * k, stream);
}

}  // namespace mmkernels::cuda
