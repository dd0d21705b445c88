// mmkernels._cpu: the CPU engine for Python. Arguments are checked by the Python layer; here
// arrays become views, the interpreter lock is released, and Ctrl-C is asked for now and then.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <array>
#include <map>
#include <string>

#include "../cpu/cknna.hpp"
#include "../cpu/condensed_distances.hpp"
#include "../cpu/features.hpp"
#include "../cpu/gram.hpp"
#include "../cpu/knn.hpp"
#include "../cpu/moments.hpp"
#include "../cpu/lifted_products.hpp"
#include "../cpu/overlap.hpp"
#include "../cpu/ranks.hpp"
#include "../cpu/second_order.hpp"
#include "../cpu/sequences.hpp"
#include "../cpu/rank_correlation.hpp"
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
  KernelMatrix matrix;
  bool out_of_range() const { return matrix.polynomial && matrix.polynomial->out_of_range(); }
};

std::unique_ptr<BoundKernel> bind_kernel(const BoundFeatures& features, const std::string& kernel,
                                         double bandwidth, int degree, double offset,
                                         double gamma) {
  static const std::map<std::string, Kernel> kernels{
      {"linear", Kernel::linear},       {"cosine", Kernel::linear},
      {"rbf", Kernel::gaussian},        {"laplacian", Kernel::laplacian},
      {"distance", Kernel::distance},   {"polynomial", Kernel::polynomial}};
  auto bound = std::make_unique<BoundKernel>();
  KernelMatrix& matrix = bound->matrix;
  matrix.features = features.features.get();
  matrix.kernel = kernels.at(kernel);
  matrix.bandwidth = bandwidth;
  py::gil_scoped_release unlocked;
  if (matrix.kernel == Kernel::polynomial)
    matrix.polynomial = std::make_shared<Polynomial>(*matrix.features, degree, offset, gamma,
                                                     interruptible());
  if (!bound->out_of_range()) matrix.choose_shift(interruptible());
  return bound;
}

// The caller's kernel matrix together with the array it reads from.
struct BoundPrecomputed {
  py::array array;
  std::unique_ptr<PrecomputedMatrix> matrix;
};

std::unique_ptr<BoundPrecomputed> bind_precomputed(py::array array, const std::string& type) {
  const ArrayView view = view_of(array, type);
  std::unique_ptr<PrecomputedMatrix> matrix;
  {
    py::gil_scoped_release unlocked;
    matrix = std::make_unique<PrecomputedMatrix>(view, interruptible());
  }
  return std::make_unique<BoundPrecomputed>(BoundPrecomputed{std::move(array), std::move(matrix)});
}

std::unique_ptr<BoundKernel> bind_precomputed_kernel(const BoundPrecomputed& precomputed) {
  auto bound = std::make_unique<BoundKernel>();
  bound->matrix.kernel = Kernel::precomputed;
  bound->matrix.precomputed = precomputed.matrix.get();
  return bound;
}

Estimator estimator_named(const std::string& name) {
  static const std::map<std::string, Estimator> estimators{{"gretton", Estimator::gretton},
                                                           {"song", Estimator::song},
                                                           {"lange", Estimator::lange}};
  return estimators.at(name);
}

// An HSIC, what it was centred from, and what rounding may leave of zero.
using Value = std::tuple<double, double, double>;

std::vector<Value> tiles_hsic(const std::vector<const BoundKernel*>& kernels,
                              const std::vector<Pair>& pairs, const std::string& estimator) {
  py::gil_scoped_release unlocked;
  std::vector<KernelMatrix> matrices;
  for (const BoundKernel* kernel : kernels) matrices.push_back(kernel->matrix);
  std::vector<Value> values;
  for (const HsicValue& value :
       hsic_by_tiles(matrices, pairs, estimator_named(estimator), interruptible()))
    values.emplace_back(value.hsic, value.magnitude, value.rounding);
  return values;
}

Value features_hsic(const BoundFeatures& x, const BoundFeatures& y, const std::string& estimator) {
  py::gil_scoped_release unlocked;
  const HsicValue value =
      hsic_by_features(*x.features, *y.features, estimator_named(estimator), interruptible());
  return {value.hsic, value.magnitude, value.rounding};
}

py::array_t<double> along_centre(const BoundFeatures& features) {
  std::vector<double> products;
  {
    py::gil_scoped_release unlocked;
    products = features.features->along_centre(interruptible());
  }
  return py::array_t<double>(static_cast<int64_t>(products.size()), products.data());
}

using DoubleArray = py::array_t<double, py::array::c_style>;

DoubleArray lifted(const BoundFeatures& x, const BoundFeatures& y) {
  DoubleArray out({x.features->view.columns + 2, y.features->view.columns + 2});
  double* data = out.mutable_data();
  {
    py::gil_scoped_release unlocked;
    lifted_products(*x.features, *y.features, data, interruptible());
  }
  return out;
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
  const int64_t n = kernel.matrix.samples();
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

// A function of the (n, k) lists of two representations.
template <auto function>
auto of_two_lists(const IndexArray& x, const IndexArray& y) {
  const int64_t *of_x = x.data(), *of_y = y.data();
  const int64_t n = x.shape(0), k = x.shape(1);
  py::gil_scoped_release unlocked;
  return function(of_x, of_y, n, k, interruptible());
}

// The same where there is a number per row.
template <auto function>
py::array_t<int64_t> rows_of_two_lists(const IndexArray& x, const IndexArray& y) {
  const std::vector<int64_t> rows = of_two_lists<function>(x, y);
  return py::array_t<int64_t>(static_cast<py::ssize_t>(rows.size()), rows.data());
}

std::tuple<double, int64_t, int64_t> second_order(const BoundFeatures& x, const BoundFeatures& y,
                                                  const IndexArray& in_x, const IndexArray& in_y) {
  const int64_t *of_x = in_x.data(), *of_y = in_y.data(), k = in_x.shape(1);
  py::gil_scoped_release unlocked;
  const SecondOrder found =
      second_order_cosines(*x.features, *y.features, of_x, of_y, k, interruptible());
  return {found.sum, found.first_orthogonal_x, found.first_orthogonal_y};
}

SparseKernel sparse_kernel(const BoundFeatures& features, const IndexArray& lists, bool centred) {
  const int64_t *data = lists.data(), k = lists.shape(1);
  py::gil_scoped_release unlocked;
  return kernel_on_neighbors(*features.features, data, k, centred, interruptible());
}

using Doubles = py::array_t<double, py::array::c_style>;

py::array condensed(const Doubles& rows, const std::string& kind) {
  static const std::map<std::string, Dissimilarity> kinds{
      {"sqeuclidean", Dissimilarity::squared_euclidean},
      {"euclidean", Dissimilarity::euclidean},
      {"half_squared", Dissimilarity::half_squared},
      {"cityblock", Dissimilarity::cityblock}};
  const int64_t n = rows.shape(0), d = rows.shape(1);
  Doubles out(n * (n - 1) / 2);
  const double* values = rows.data();
  double* data = out.mutable_data();
  {
    py::gil_scoped_release unlocked;
    condensed_distances(values, n, d, kinds.at(kind), data, interruptible());
  }
  return out;
}

std::array<double, 5> list_moments(const Doubles& a, const Doubles& b, bool centred) {
  const double *left = a.data(), *right = b.data();
  const int64_t count = a.size();
  py::gil_scoped_release unlocked;
  const Moments found = moments(left, right, count, centred, interruptible());
  return {found.mean_a, found.mean_b, found.aa, found.ab, found.bb};
}

int64_t rank_in_place(Doubles values) {
  double* data = values.mutable_data();
  const int64_t count = values.size();
  py::gil_scoped_release unlocked;
  return average_ranks(data, count, interruptible());
}

std::pair<int64_t, int64_t> kendall(const Doubles& a, const Doubles& b) {
  const double *left = a.data(), *right = b.data();
  const int64_t count = a.size();
  py::gil_scoped_release unlocked;
  const KendallCounts found = kendall_counts(left, right, count, interruptible());
  return {found.tied_in_both, found.discordant};
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
      .def_property_readonly("scale", [](const BoundFeatures& f) { return f.features->scale; })
      .def_property_readonly("centre_norm", [](const BoundFeatures& f) { return f.features->centre_norm(); })
      .def_property_readonly("centre", [](const BoundFeatures& f) { return f.features->centre; })
      .def("along_centre", &along_centre)
      .def("median_distance", [](const BoundFeatures& f) {
        py::gil_scoped_release unlocked;
        return median_distance(*f.features, interruptible());
      });
  py::class_<BoundPrecomputed>(module, "PrecomputedMatrix")
      .def(py::init(&bind_precomputed), py::arg("array"), py::arg("type"))
      .def_property_readonly("first_nonfinite", [](const BoundPrecomputed& p) { return p.matrix->first_nonfinite; })
      .def_property_readonly("overflows", [](const BoundPrecomputed& p) { return p.matrix->overflows; })
      .def_property_readonly("asymmetric", [](const BoundPrecomputed& p) {
        return std::make_pair(p.matrix->asymmetric_row, p.matrix->asymmetric_column);
      });
  py::class_<BoundKernel>(module, "Kernel")
      .def(py::init(&bind_kernel), py::arg("features"), py::arg("kernel"), py::kw_only(),
           py::arg("bandwidth") = 1.0, py::arg("degree") = 1, py::arg("offset") = 0.0,
           py::arg("gamma") = 1.0, py::keep_alive<1, 2>())
      .def(py::init(&bind_precomputed_kernel), py::arg("precomputed"), py::keep_alive<1, 2>())
      .def_property_readonly("out_of_range", &BoundKernel::out_of_range)
      .def_property_readonly("unit", [](const BoundKernel& k) { return k.matrix.unit(); });

  module.def("knn", &search, py::arg("candidates"), py::arg("queries"), py::arg("metric"),
             py::arg("k"), py::arg("scored"));
  module.def("overlaps", &overlaps, py::arg("lists"), py::arg("left"), py::arg("right"));
  module.def("overlap_histogram", &of_two_lists<overlap_histogram>, py::arg("x"), py::arg("y"));
  module.def("cycle_count", &of_two_lists<cycle_count>, py::arg("x"), py::arg("y"));
  module.def("common_subsequences", &rows_of_two_lists<common_subsequences>, py::arg("x"),
             py::arg("y"));
  module.def("edit_distances", &rows_of_two_lists<edit_distances>, py::arg("x"), py::arg("y"));
  module.def("rank_similarities", &of_two_lists<rank_similarities>, py::arg("x"), py::arg("y"));
  module.def("second_order_cosines", &second_order, py::arg("x"), py::arg("y"), py::arg("in_x"),
             py::arg("in_y"));
  py::class_<SparseKernel>(module, "SparseKernel")
      .def(py::init(&sparse_kernel), py::arg("features"), py::arg("lists"), py::arg("centred"))
      .def("shared_product", [](const SparseKernel& a, const SparseKernel& b) {
        py::gil_scoped_release unlocked;
        return shared_product(a, b, interruptible());
      })
      .def("masked_hsic", [](const SparseKernel& a, const SparseKernel& b, bool unbiased) {
        py::gil_scoped_release unlocked;
        return masked_hsic(a, b, unbiased, interruptible());
      });
  module.def("condensed_distances", &condensed, py::arg("rows").noconvert(), py::arg("kind"));
  module.def("moments", &list_moments, py::arg("a").noconvert(), py::arg("b").noconvert(),
             py::arg("centred"));
  module.def("average_ranks", &rank_in_place, py::arg("values").noconvert());
  module.def("kendall_counts", &kendall, py::arg("a").noconvert(), py::arg("b").noconvert());
  module.attr("most_ranked") = kMostRanked;
  module.def("hsic_by_tiles", &tiles_hsic, py::arg("kernels"), py::arg("pairs"), py::arg("estimator"));
  module.def("hsic_by_features", &features_hsic, py::arg("x"), py::arg("y"), py::arg("estimator"));
  module.def("lifted_products", &lifted, py::arg("x"), py::arg("y"));
  module.def("add_moved_products", &add_moved, py::arg("products"), py::arg("ratio_x"),
             py::arg("shift_x"), py::arg("ratio_y"), py::arg("shift_y"), py::arg("out").noconvert());
  module.def("centered_gram_float32", &gram_array<float>, py::arg("kernel"));
  module.def("centered_gram_float64", &gram_array<double>, py::arg("kernel"));
}
