// Linear HSIC and CKA by products of features.
#include <map>

#include "../cuda/feature_products.hpp"
#include "cuda_bindings.hpp"

namespace mmkernels::bindings {
namespace {

using Arrays = std::vector<const BoundArray*>;

int parts_of(const std::string& precision) {
  static const std::map<std::string, int> parts{{"fast", 1}, {"high", 2}, {"exact", 3}};
  return parts.at(precision);
}

FeatureScore score_named(const std::string& name) {
  static const std::map<std::string, FeatureScore> scores{{"hsic", FeatureScore::hsic},
                                                          {"cka", FeatureScore::cka}};
  return scores.at(name);
}

Estimator estimator_named(const std::string& name) {
  static const std::map<std::string, Estimator> estimators{{"gretton", Estimator::gretton},
                                                           {"song", Estimator::song},
                                                           {"lange", Estimator::lange}};
  return estimators.at(name);
}

FeatureAlignment plan(const Arrays& arrays, int lefts, bool unit, const std::string& precision,
                      const std::string& score, const std::string& path, Workspace& workspace) {
  std::vector<ArrayView> views;
  for (const BoundArray* array : arrays) views.push_back(array->view());
  return take_feature_alignment(views, lefts, unit, parts_of(precision), score_named(score),
                                path_named(path), workspace);
}

size_t alignment_by_features_workspace(const Arrays& arrays, int lefts, bool unit,
                                       const std::string& precision, const std::string& score,
                                       const std::string& path) {
  const DeviceGuard guard(arrays.at(0)->device());
  return bytes_taken([&](Workspace& workspace) {
    plan(arrays, lefts, unit, precision, score, path, workspace);
  });
}

void alignment_by_features(const Arrays& arrays, int lefts, bool unit, const std::string& precision,
                           const std::string& score, const std::string& path,
                           const std::string& estimator, Address scores, Address memory,
                           Address stream) {
  const py::gil_scoped_release released;
  const DeviceGuard guard(arrays.at(0)->device());
  Workspace workspace = workspace_at(memory);
  score_features(plan(arrays, lefts, unit, precision, score, path, workspace),
                 estimator_named(estimator), pointer_to<double>(scores), stream_at(stream));
}

}  // namespace

void bind_products(py::module_& module) {
  module.def("alignment_by_features_workspace", &alignment_by_features_workspace,
             py::arg("arrays"), py::arg("lefts"), py::arg("unit"), py::arg("precision"),
             py::arg("score"), py::arg("path"));
  module.def("alignment_by_features", &alignment_by_features, py::arg("arrays"), py::arg("lefts"),
             py::arg("unit"), py::arg("precision"), py::arg("score"), py::arg("path"),
             py::arg("estimator"), py::arg("scores"), py::arg("workspace"), py::arg("stream"));
}

}  // namespace mmkernels::bindings
