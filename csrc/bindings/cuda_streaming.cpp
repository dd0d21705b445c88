// Neighbours of rows in host memory, a part at a time.
#include <pybind11/numpy.h>

#include <map>

#include "../cuda/streamed_search.hpp"
#include "cuda_bindings.hpp"

namespace mmkernels::bindings {
namespace {

using Doubles = py::array_t<double, py::array::c_style>;

// The search and where it runs. Whoever holds it keeps its memory, and rows until they are loaded.
class BoundSearch {
 public:
  BoundSearch(int64_t rows, int64_t columns, const std::string& type, const std::string& metric,
              int k, int64_t part_rows, int device)
      : rows_(rows), columns_(columns), type_(type_named(type)), metric_(metric_named(metric)),
        k_(k), part_rows_(part_rows), device_(device) {
    const DeviceGuard guard(device_);
    path_ = chosen_path();
  }

  size_t bytes() const {
    return bytes_taken([&](Workspace& workspace) { plan(workspace); });
  }

  void start(Address memory, const Doubles& norms, const Doubles& centre, double largest,
             Address stream) {
    stream_ = stream_at(stream);
    Workspace workspace = workspace_at(memory);
    streamed_ = plan(workspace);
    const double *norm = norms.data(), *mean = centre.data();
    run([&] {
      start_streamed(streamed_, norm, mean, largest, stream_);
      wait(stream_);
    });
  }

  void load(int place, int64_t first, const py::array& rows) {
    const void* data = rows.data();
    const int64_t count = rows.shape(0);
    run([&] {
      load_part(streamed_, place, first, count, data, stream_);
      wait(stream_);  // the rows may go as soon as this returns
    });
  }

  void meet(int queries, int candidates) {
    run([&] { meet_places(streamed_, queries, candidates, stream_); });
  }

  void score(int candidates) {
    run([&] { score_places(streamed_, candidates, stream_); });
  }

  void finish(py::array_t<int64_t, py::array::c_style> indices, Doubles scores) {
    int64_t* index = indices.mutable_data();
    double* score = scores.mutable_data();
    run([&] {
      finish_part(streamed_, index, score, stream_);
      wait(stream_);
    });
  }

 private:
  StreamedSearch plan(Workspace& workspace) const {
    return take_streamed_search(rows_, columns_, type_, metric_, k_, part_rows_, path_, workspace);
  }

  template <class Body>
  void run(Body&& body) {
    const py::gil_scoped_release released;
    const DeviceGuard guard(device_);
    body();
  }

  int64_t rows_, columns_;
  Type type_;
  Metric metric_;
  int k_;
  int64_t part_rows_;
  int device_;
  Path path_;
  StreamedSearch streamed_{};
  Stream stream_{};
};

}  // namespace

void bind_streaming(py::module_& module) {
  py::class_<BoundSearch>(module, "StreamedSearch")
      .def(py::init<int64_t, int64_t, const std::string&, const std::string&, int, int64_t,
                    int>(),
           py::arg("rows"), py::arg("columns"), py::arg("type"), py::arg("metric"), py::arg("k"),
           py::arg("part_rows"), py::arg("device"))
      .def_property_readonly("bytes", &BoundSearch::bytes)
      .def("start", &BoundSearch::start, py::arg("workspace"), py::arg("norms"), py::arg("centre"),
           py::arg("largest"), py::arg("stream"))
      .def("load", &BoundSearch::load, py::arg("place"), py::arg("first"), py::arg("rows"))
      .def("meet", &BoundSearch::meet, py::arg("queries"), py::arg("candidates"))
      .def("score", &BoundSearch::score, py::arg("candidates"))
      .def("finish", &BoundSearch::finish, py::arg("indices").noconvert(),
           py::arg("scores").noconvert());
}

}  // namespace mmkernels::bindings
