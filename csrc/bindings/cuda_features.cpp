#include "../cuda/features.hpp"
#include "cuda_bindings.hpp"

namespace mmkernels::bindings {
namespace {

Features features_of(const BoundArray& array, bool unit, Workspace& workspace) {
  return take_features(array.view(), unit, Centre::none, workspace);
}

size_t row_status_workspace(const BoundArray& array, bool unit) {
  return bytes_taken([&](Workspace& workspace) { features_of(array, unit, workspace); });
}

// The first row that is not finite, is zero, or overflows; -1 for none. Waits for the device.
py::tuple row_status(const BoundArray& array, bool unit, Address memory, Address stream) {
  RowStatus status{};
  {
    const py::gil_scoped_release released;
    const DeviceGuard guard(array.device());
    Workspace workspace = workspace_at(memory);
    const Features features = features_of(array, unit, workspace);
    measure_features(features, stream_at(stream));
    copy(&status, features.status, sizeof status, stream_at(stream));
    wait(stream_at(stream));
  }
  const auto row = [](int found) { return found == kNoRow ? -1 : found; };
  return py::make_tuple(row(status.nonfinite), row(status.zero), row(status.overflows));
}

}  // namespace

void bind_features(py::module_& module) {
  module.def("row_status_workspace", &row_status_workspace, py::arg("array"), py::arg("unit"));
  module.def("row_status", &row_status, py::arg("array"), py::arg("unit"), py::arg("workspace"),
             py::arg("stream"));
}

}  // namespace mmkernels::bindings
