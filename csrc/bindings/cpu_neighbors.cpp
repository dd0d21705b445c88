// Neighbours, and what their lists have in common.
#include "cpu_bindings.hpp"

#include "../cpu/cknna.hpp"
#include "../cpu/knn.hpp"
#include "../cpu/overlap.hpp"
#include "../cpu/ranks.hpp"
#include "../cpu/relabelling.hpp"
#include "../cpu/second_order.hpp"
#include "../cpu/sequences.hpp"

namespace mmkernels::bindings {
namespace {

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

std::vector<int64_t> overlaps(const std::vector<Indices>& lists, const std::vector<int>& left,
                              const std::vector<int>& right) {
  std::vector<const int64_t*> data;
  for (const Indices& list : lists) data.push_back(list.data());
  const int64_t n = lists.at(0).shape(0), k = lists.at(0).shape(1);
  py::gil_scoped_release unlocked;
  return overlap_counts(data, n, k, left, right, interruptible());
}

// A function of the (n, k) lists of two representations.
template <auto function>
auto of_two_lists(const Indices& x, const Indices& y) {
  const int64_t *of_x = x.data(), *of_y = y.data();
  const int64_t n = x.shape(0), k = x.shape(1);
  py::gil_scoped_release unlocked;
  return function(of_x, of_y, n, k, interruptible());
}

// The same where there is a number per row.
template <auto function>
py::array_t<int64_t> rows_of_two_lists(const Indices& x, const Indices& y) {
  const std::vector<int64_t> rows = of_two_lists<function>(x, y);
  return py::array_t<int64_t>(static_cast<py::ssize_t>(rows.size()), rows.data());
}

py::array_t<int64_t> labels(int64_t n, uint64_t seed, int64_t number) {
  py::array_t<int64_t> found(n);
  int64_t* data = found.mutable_data();
  py::gil_scoped_release unlocked;
  write_labels(seed, number, n, data, interruptible());
  return found;
}

std::vector<int64_t> overlaps_by_chance(const Indices& x, const Indices& y, uint64_t seed,
                                        int64_t permutations) {
  const int64_t *of_x = x.data(), *of_y = y.data();
  const int64_t n = x.shape(0), k = x.shape(1);
  py::gil_scoped_release unlocked;
  return relabelled_overlaps(of_x, of_y, n, k, seed, permutations, interruptible());
}

std::tuple<double, int64_t, int64_t> second_order(const BoundFeatures& x, const BoundFeatures& y,
                                                  const Indices& in_x, const Indices& in_y) {
  const int64_t *of_x = in_x.data(), *of_y = in_y.data(), k = in_x.shape(1);
  py::gil_scoped_release unlocked;
  const SecondOrder found =
      second_order_cosines(*x.features, *y.features, of_x, of_y, k, interruptible());
  return {found.sum, found.first_orthogonal_x, found.first_orthogonal_y};
}

SparseKernel sparse_kernel(const BoundFeatures& features, const Indices& lists, bool centred) {
  const int64_t *data = lists.data(), k = lists.shape(1);
  py::gil_scoped_release unlocked;
  return kernel_on_neighbors(*features.features, data, k, centred, interruptible());
}

}  // namespace

void bind_neighbors(py::module_& module) {
  module.def("knn", &search, py::arg("candidates"), py::arg("queries"), py::arg("metric"),
             py::arg("k"), py::arg("scored"));
  module.def("overlaps", &overlaps, py::arg("lists"), py::arg("left"), py::arg("right"));
  module.def("overlap_histogram", &of_two_lists<overlap_histogram>, py::arg("x"), py::arg("y"));
  module.def("cycle_count", &of_two_lists<cycle_count>, py::arg("x"), py::arg("y"));
  module.def("labels", &labels, py::arg("n"), py::arg("seed"), py::arg("number"));
  module.def("relabelled_overlaps", &overlaps_by_chance, py::arg("x"), py::arg("y"),
             py::arg("seed"), py::arg("permutations"));
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
}

}  // namespace mmkernels::bindings
