// Metrics on lists of neighbours. Lists come as the address of their first index and the distance
// from a row to the next, in indices.
#include <optional>
#include <utility>

#include "../cuda/list_cycle.hpp"
#include "../cuda/list_overlap.hpp"
#include "../cuda/list_relabelling.hpp"
#include "../cuda/list_sequences.hpp"
#include "cuda_bindings.hpp"

namespace mmkernels::bindings {
namespace {

using Lists = std::pair<Address, int64_t>;

IndexLists lists_at(const Lists& lists) {
  return {pointer_to<const int64_t>(lists.first), lists.second};
}

std::vector<IndexLists> all_at(const std::vector<Lists>& lists) {
  std::vector<IndexLists> all;
  for (const Lists& each : lists) all.push_back(lists_at(each));
  return all;
}

// Two functions for a metric of two lists: name_workspace(x, y, rows, k), and name(..., device,
// score, workspace, stream), which writes the score. `take` plans it, `run` starts it.
template <class Take, class Run>
void bind_pair(py::module_& module, const std::string& name, Take take, Run run) {
  module.def((name + "_workspace").c_str(),
             [take](const Lists& x, const Lists& y, int64_t rows, int k) {
               return bytes_taken([&](Workspace& workspace) {
                 take(lists_at(x), lists_at(y), rows, k, workspace);
               });
             },
             py::arg("x"), py::arg("y"), py::arg("rows"), py::arg("k"));
  module.def(name.c_str(),
             [take, run](const Lists& x, const Lists& y, int64_t rows, int k, int device,
                         Address score, Address memory, Address stream) {
               const py::gil_scoped_release released;
               const DeviceGuard guard(device);
               Workspace workspace = workspace_at(memory);
               run(take(lists_at(x), lists_at(y), rows, k, workspace), pointer_to<double>(score),
                   stream_at(stream));
             },
             py::arg("x"), py::arg("y"), py::arg("rows"), py::arg("k"), py::arg("device"),
             py::arg("score"), py::arg("workspace"), py::arg("stream"));
}

void bind_overlap(py::module_& module, const char* name, OverlapScore score_of) {
  bind_pair(module, name, take_list_overlap,
            [score_of](const ListOverlap& overlap, double* score, Stream stream) {
              score_overlap(overlap, score_of, score, stream);
            });
}

void bind_sequences(py::module_& module, const char* name, SequenceScore score_of) {
  bind_pair(module, name, take_list_sequences,
            [score_of](const ListSequences& sequences, double* score, Stream stream) {
              score_sequences(sequences, score_of, score, stream);
            });
}

OverlapMatrix overlap_plan(const std::vector<Lists>& left,
                           const std::optional<std::vector<Lists>>& right, int64_t rows, int k,
                           Workspace& workspace) {
  return take_overlap_matrix(all_at(left), all_at(right ? *right : left), !right, rows, k,
                             workspace);
}

size_t overlap_matrix_workspace(const std::vector<Lists>& left,
                                const std::optional<std::vector<Lists>>& right, int64_t rows,
                                int k) {
  return bytes_taken(
      [&](Workspace& workspace) { overlap_plan(left, right, rows, k, workspace); });
}

void overlap_matrix(const std::vector<Lists>& left, const std::optional<std::vector<Lists>>& right,
                    int64_t rows, int k, int device, Address scores, Address memory,
                    Address stream) {
  const py::gil_scoped_release released;
  const DeviceGuard guard(device);
  Workspace workspace = workspace_at(memory);
  score_overlaps(overlap_plan(left, right, rows, k, workspace), pointer_to<double>(scores),
                 stream_at(stream));
}

size_t mutual_knn_null_workspace(const Lists& x, const Lists& y, int64_t rows, int k, uint64_t seed,
                                 int permutations) {
  return bytes_taken([&](Workspace& workspace) {
    take_list_relabelling(lists_at(x), lists_at(y), rows, k, seed, permutations, workspace);
  });
}

void mutual_knn_null(const Lists& x, const Lists& y, int64_t rows, int k, uint64_t seed,
                     int permutations, int device, Address scores, Address memory, Address stream) {
  const py::gil_scoped_release released;
  const DeviceGuard guard(device);
  Workspace workspace = workspace_at(memory);
  score_relabellings(
      take_list_relabelling(lists_at(x), lists_at(y), rows, k, seed, permutations, workspace),
      pointer_to<double>(scores), stream_at(stream));
}

}  // namespace

void bind_lists(py::module_& module) {
  bind_overlap(module, "mutual_knn", OverlapScore::mutual);
  bind_overlap(module, "jaccard_knn", OverlapScore::jaccard);
  bind_sequences(module, "lcs_knn", SequenceScore::subsequence);
  bind_sequences(module, "edit_distance_knn", SequenceScore::edits);
  bind_pair(module, "cycle_knn", take_list_cycle, score_cycle);
  module.def("overlap_matrix_workspace", &overlap_matrix_workspace, py::arg("left"),
             py::arg("right"), py::arg("rows"), py::arg("k"));
  module.def("overlap_matrix", &overlap_matrix, py::arg("left"), py::arg("right"), py::arg("rows"),
             py::arg("k"), py::arg("device"), py::arg("scores"), py::arg("workspace"),
             py::arg("stream"));
  module.def("mutual_knn_null_workspace", &mutual_knn_null_workspace, py::arg("x"), py::arg("y"),
             py::arg("rows"), py::arg("k"), py::arg("seed"), py::arg("permutations"));
  module.def("mutual_knn_null", &mutual_knn_null, py::arg("x"), py::arg("y"), py::arg("rows"),
             py::arg("k"), py::arg("seed"), py::arg("permutations"), py::arg("device"),
             py::arg("scores"), py::arg("workspace"), py::arg("stream"));
}

}  // namespace mmkernels::bindings
