// mmkernels._cpu: the CPU engine for Python. Arguments are checked by the Python layer; here
// arrays become views, the interpreter lock is released, and Ctrl-C is asked for now and then.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <map>
#include <string>

#include "../cpu/features.hpp"
#include "../cpu/gram.hpp"
#include "../cpu/knn.hpp"
#include "../cpu/lifted_products.hpp"
#include "../cpu/overlap.hpp"
#include "../cpu/thread_pool.hpp"
#include "../cpu/tile_kernels.hpp"

namespace py = pybind11;
using namespace mmkernels;
using namespace mmkernels::cpu;

namespace {

// A call that Ctrl-C stops.
Call interruptible() {
  return {thread_count(), [] {
            py::gil_scoped_acquire lock;
            if (PyErr_CheckSignals() != 0) throw py::error_already_set();
          }};
}

ArrayView view_of(const py::array& array, const std::string& type) {
  static const std::map<std::string, Type> types{
      {"float16", Type::float16}, {"bfloat16", Type::bfloat16}, {"float32", Type::float32},
      {"float64", Type::float64}, {"bool", Type::bool8},        {"int8", Type::int8},
      {"int16", Type::int16},     {"int32", Type::int32},       {"int64", Type::int64},
      {"uint8", Type::uint8},     {"uint16", Type::uint16},     {"uint32", Type::uint32},
      {"uint64", Type::uint64}};
  return {static_cast<const char*>(array.data()), array.shape(0), array.shape(1),
          array.strides(0), array.strides(1), types.at(type)};
}

// The features together with the array they read from.
struct BoundFeatures {
  py::array array;
  std::unique_ptr<Features> features;
};

std::unique_ptr<BoundFeatures> bind_features(py::array array, const std::string& type, bool unit,
                                             bool robust, const BoundFeatures* frame) {
  const ArrayView view = view_of(array, type);
  std::unique_ptr<Features> features;
  {
    py::gil_scoped_release unlocked;
    features = frame ? std::make_unique<Features>(view, *frame->features, interruptible())
                     : std::make_unique<Features>(view, unit, robust ? Centre::robust : Centre::mean,
                                                  interruptible());
  }
  return std::make_unique<BoundFeatures>(BoundFeatures{std::move(array), std::move(features)});
}

py::tuple search(const BoundFeatures& candidates, const BoundFeatures* queries,
                 const std::string& metric, int64_t k, bool scored) {
  static const std::map<std::string, Metric> metrics{
      {"cosine", Metric::cosine}, {"ip", Metric::inner_product}, {"l2", Metric::euclidean}};
  const int64_t n = (queries ? queries : &candidates)->features->view.rows;
  py::array_t<int64_t> indices({n, k});
  py::array_t<double> scores({scored ? n : 0, k});
  int64_t* index_data = indices.mutable_data();
  double* score_data = scored ? scores.mutable_data() : nullptr;
  {
    py::gil_scoped_release unlocked;
    knn(*candidates.features, queries ? queries->features.get() : nullptr, metrics.at(metric), k,
        index_data, score_data, interruptible());
  }
  return py::make_tuple(indices, scores);
}

// A kernel on features; the shift is chosen once, when the object is made.
struct BoundKernel {
  const BoundFeatures* features;
  KernelMatrix matrix;
};

std::unique_ptr<BoundKernel> bind_kernel(const BoundFeatures& features, const std::string& kernel,
                                         double bandwidth) {
  KernelMatrix matrix{features.features.get()};
  if (kernel == "rbf") {
    matrix.kernel = Kernel::gaussian;
    matrix.inverse_square_bandwidth = 1 / (bandwidth * bandwidth);
    py::gil_scoped_release unlocked;
    matrix.choose_shift(interruptible());
  }
  return std::make_unique<BoundKernel>(BoundKernel{&features, matrix});
}

using Values = std::vector<std::pair<double, double>>;

Values tiles_hsic(const std::vector<const BoundKernel*>& kernels, const std::vector<Pair>& pairs,
                  bool unbiased) {
  py::gil_scoped_release unlocked;
  std::vector<KernelMatrix> matrices;
  for (const BoundKernel* kernel : kernels) matrices.push_back(kernel->matrix);
  Values values;
  for (const HsicValue& value : hsic_by_tiles(matrices, pairs, unbiased, interruptible()))
    values.emplace_back(value.hsic, value.magnitude);
  return values;
}

std::pair<double, double> features_hsic(const BoundFeatures& x, const BoundFeatures& y,
                                        bool unbiased) {
  py::gil_scoped_release unlocked;
  const HsicValue value = hsic_by_features(*x.features, *y.features, unbiased, interruptible());
  return {value.hsic, value.magnitude};
}

using DoubleArray = py::array_t<double, py::array::c_style>;

void add_lifted(const BoundFeatures& x, const DoubleArray& centre_x, double scale_x,
                const BoundFeatures& y, const DoubleArray& centre_y, double scale_y,
                DoubleArray& out) {
  const Placed left{x.features.get(), centre_x.data(), scale_x};
  const Placed right{y.features.get(), centre_y.data(), scale_y};
  double* target = out.mutable_data();
  py::gil_scoped_release unlocked;
  add_lifted_products(left, right, target, interruptible());
}

void add_moved(const DoubleArray& products, double ratio_x, const DoubleArray& shift_x,
               double ratio_y, const DoubleArray& shift_y, DoubleArray& out) {
  const Move move_x{ratio_x, shift_x.data()}, move_y{ratio_y, shift_y.data()};
  const int64_t d_x = shift_x.shape(0), d_y = shift_y.shape(0);
  const double* data = products.data();
  double* target = out.mutable_data();
  py::gil_scoped_release unlocked;
  add_moved_products(data, d_x, move_x, d_y, move_y, target, interruptible());
}

template <class T>
py::array gram_array(const BoundKernel& kernel) {
  const int64_t n = kernel.features->features->view.rows;
  py::array_t<T> out({n, n});
  T* data = out.mutable_data();
  {
    py::gil_scoped_release unlocked;
    centered_gram<T>(kernel.matrix, data, interruptible());
  }
  return out;
}

using IndexArray = py::array_t<int64_t, py::array::c_style>;

std::vector<int64_t> overlaps(const std::vector<IndexArray>& lists, const std::vector<int>& left,
                              const std::vector<int>& right) {
  std::vector<const int64_t*> data;
  for (const IndexArray& list : lists) data.push_back(list.data());
  const int64_t n = lists.at(0).shape(0), k = lists.at(0).shape(1);
  py::gil_scoped_release unlocked;
  return overlap_counts(data, n, k, left, right, interruptible());
}

}  // namespace

PYBIND11_MODULE(_cpu, module) {
  module.doc() = "The CPU engine of mmkernels; use the functions of mmkernels instead.";
  module.def("instruction_set", [] { return tile_kernels().name; });
  module.def("thread_count", &thread_count);
  module.def("set_thread_count", &set_thread_count, py::arg("count"));

  py::class_<BoundFeatures>(module, "Features")
      .def(py::init(&bind_features), py::arg("array"), py::arg("type"), py::arg("unit"),
           py::arg("robust"), py::arg("frame") = nullptr)
      .def_property_readonly("first_nonfinite", [](const BoundFeatures& f) { return f.features->first_nonfinite; })
      .def_property_readonly("zero_rows", [](const BoundFeatures& f) { return f.features->zero_rows; })
      .def_property_readonly("overflows", [](const BoundFeatures& f) { return f.features->overflows; })
      .def_property_readonly("constant", [](const BoundFeatures& f) { return f.features->constant(); })
      .def_property_readonly("centre", [](const BoundFeatures& f) { return f.features->centre; })
      .def_property_readonly("scale", [](const BoundFeatures& f) { return f.features->scale; })
      .def("median_distance", [](const BoundFeatures& f) {
        py::gil_scoped_release unlocked;
        return median_distance(*f.features, interruptible());
      });
  py::class_<BoundKernel>(module, "Kernel")
      .def(py::init(&bind_kernel), py::arg("features"), py::arg("kernel"), py::arg("bandwidth"),
           py::keep_alive<1, 2>())
      .def_property_readonly("unit", [](const BoundKernel& k) { return k.matrix.unit(); });

  module.def("knn", &search, py::arg("candidates"), py::arg("queries"), py::arg("metric"),
             py::arg("k"), py::arg("scored"));
  module.def("overlaps", &overlaps, py::arg("lists"), py::arg("left"), py::arg("right"));
  module.def("hsic_by_tiles", &tiles_hsic, py::arg("kernels"), py::arg("pairs"), py::arg("unbiased"));
  module.def("hsic_by_features", &features_hsic, py::arg("x"), py::arg("y"), py::arg("unbiased"));
  module.def("add_lifted_products", &add_lifted, py::arg("x"), py::arg("centre_x"),
             py::arg("scale_x"), py::arg("y"), py::arg("centre_y"), py::arg("scale_y"),
             py::arg("out").noconvert());
  module.def("add_moved_products", &add_moved, py::arg("products"), py::arg("ratio_x"),
             py::arg("shift_x"), py::arg("ratio_y"), py::arg("shift_y"), py::arg("out").noconvert());
  module.def("centered_gram_float32", &gram_array<float>, py::arg("kernel"));
  module.def("centered_gram_float64", &gram_array<double>, py::arg("kernel"));
}
