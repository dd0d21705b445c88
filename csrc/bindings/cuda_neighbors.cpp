// Neighbours.
#include <map>
#include <optional>

#include "../cuda/knn.hpp"
#include "cuda_bindings.hpp"

namespace mmkernels::bindings {
namespace {

NeighborCall plan(const BoundArray& candidates, const BoundArray* queries, const std::string& metric,
                  int k, const std::string& path_name, Workspace& workspace) {
  const std::optional<ArrayView> of_queries = queries ? std::optional(queries->view()) : std::nullopt;
  const Path path = path_named(path_name);
  PrefixTerms prefix;
  prefix.allowed = path == Path::hopper;  // whose device its costs are of
  return take_neighbor_call(candidates.view(), of_queries, metric_named(metric), k, path, workspace,
                            prefix);
}

size_t knn_workspace(const BoundArray& candidates, const BoundArray* queries,
                     const std::string& metric, int k, const std::string& path) {
  const DeviceGuard guard(candidates.device());
  return bytes_taken(
      [&](Workspace& workspace) { plan(candidates, queries, metric, k, path, workspace); });
}

void knn(const BoundArray& candidates, const BoundArray* queries, const std::string& metric, int k,
         const std::string& path, Address indices, Address scores, Address memory,
         Address stream) {
  const DeviceGuard guard(candidates.device());
  Workspace workspace = workspace_at(memory);
  // Which reads the environment, as other threads of Python may write it.
  const NeighborCall call = plan(candidates, queries, metric, k, path, workspace);
  const py::gil_scoped_release released;
  find_neighbors(call, pointer_to<int64_t>(indices), pointer_to<double>(scores),
                 stream_at(stream));
}

}  // namespace

Metric metric_named(const std::string& name) {
  static const std::map<std::string, Metric> metrics{
      {"cosine", Metric::cosine}, {"ip", Metric::inner_product}, {"l2", Metric::euclidean}};
  return metrics.at(name);
}

Path path_named(const std::string& name) {
  static const std::map<std::string, Path> paths{{"general", Path::general},
                                                 {"sm90", Path::hopper}};
  return paths.at(name);
}

std::string chosen_path_name(int device) {
  const DeviceGuard guard(device);
  return chosen_path() == Path::hopper ? "sm90" : "general";
}

void bind_neighbors(py::module_& module) {
  module.def("chosen_path", &chosen_path_name, py::arg("device"));
  module.attr("most_neighbors") = kMostNeighbors;
  module.def("knn_workspace", &knn_workspace, py::arg("candidates"), py::arg("queries"),
             py::arg("metric"), py::arg("k"), py::arg("path"));
  module.def("knn", &knn, py::arg("candidates"), py::arg("queries"), py::arg("metric"),
             py::arg("k"), py::arg("path"), py::arg("indices"), py::arg("scores"),
             py::arg("workspace"), py::arg("stream"));
}

}  // namespace mmkernels::bindings
