// Ensembles of small multi-layer perceptrons on a device.
#include <pybind11/numpy.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "../cuda/mlp_ensemble.hpp"
#include "cuda_bindings.hpp"

namespace mmkernels::bindings {
namespace {

using Floats = py::array_t<float, py::array::c_style>;

// (samples, inputs, targets): how many, and where their rows and their targets are on the device.
using BoundSamples = std::tuple<int64_t, Address, Address>;

TrainingLoss loss_named(const std::string& name) {
  if (name == "cross_entropy") return TrainingLoss::cross_entropy;
  if (name == "l1") return TrainingLoss::l1;
  if (name == "mse") return TrainingLoss::mse;
  throw std::invalid_argument("no loss is named " + name);
}

// Calls each(place among the padded parameters, place among the caller's) for all of these.
template <class Each>
void for_each_parameter(const NetworkShape& shape, Each each) {
  int64_t own = 0;
  for (int layer = 0; layer <= shape.depth; ++layer) {
    const int units = layer == shape.depth ? shape.outputs : shape.width;
    const int inputs = layer == 0 ? shape.inputs : shape.width;
    for (int unit = 0; unit < units; ++unit)
      for (int k = 0; k < inputs; ++k)
        each(shape.weights_at(layer) + unit * shape.rows_in(layer) + k, own++);
    for (int unit = 0; unit < units; ++unit) each(shape.bias_at(layer) + unit, own++);
  }
}

// Networks that are trained together. Whoever holds this keeps its memory and their samples.
class BoundEnsemble {
 public:
  BoundEnsemble(const std::string& loss, int batch_size, float clip, int64_t recorded)
      : recorded_(recorded) {
    ensemble_.loss = loss_named(loss);
    ensemble_.batch_size = batch_size;
    ensemble_.clip = clip;
  }

  void add(const py::object& network, int inputs, int outputs, const BoundSamples& training,
           const BoundSamples& validation) {
    const auto activation = network.attr("activation").cast<std::string>();
    const auto decay = network.attr("weight_decay").cast<double>();
    EnsembleNetwork own{};
    own.shape = {network.attr("depth").cast<int>(), network.attr("width").cast<int>(), inputs,
                 outputs};
    own.is_tanh = activation == "tanh";
    own.slope = activation == "leaky_relu" ? network.attr("slope").cast<float>() : 0.0f;
    own.learning_rate = network.attr("learning_rate").cast<double>();
    own.kept = static_cast<float>(1 - own.learning_rate * decay);
    own.epochs = network.attr("epochs").cast<int64_t>();
    own.order = network.attr("order").cast<uint64_t>();
    own.training = samples_at(training);
    own.validation = samples_at(validation);
    const int64_t batches = (own.training.count - 1) / ensemble_.batch_size + 1;
    own.recorded = recorded_ / batches < own.epochs ? recorded_ : own.epochs * batches;
    place_network(own, ensemble_.batch_size);
    ensemble_.networks.push_back(own);
  }

  size_t bytes() {
    return bytes_taken([&](Workspace& workspace) { take_ensemble(ensemble_, workspace); });
  }

  void start(int device, Address memory, const std::vector<Floats>& parameters, Address stream) {
    device_ = device;
    stream_ = stream_at(stream);
    Workspace workspace = workspace_at(memory);
    take_ensemble(ensemble_, workspace);
    std::vector<std::vector<float>> all;
    for (size_t i = 0; i < parameters.size(); ++i) {
      const NetworkShape& shape = ensemble_.networks[i].shape;
      all.emplace_back(shape.parameters(), 0.0f);
      for_each_parameter(shape, [&, from = parameters[i].data()](int64_t padded, int64_t own) {
        all.back()[padded] = from[own];
      });
    }
    run([&] {
      for (size_t i = 0; i < all.size(); ++i)
        copy(ensemble_.networks[i].parameters, all[i].data(), all[i].size() * sizeof(float), stream_);
      start_ensemble(ensemble_, stream_);
      wait(stream_);
    });
  }

  // Which of the networks listed are not over after up to so many epochs more.
  std::vector<int32_t> train(const std::vector<int32_t>& listed, int64_t epochs) {
    progress_.resize(ensemble_.networks.size());
    run([&] {
      train_epochs(ensemble_, listed, epochs, stream_);
      copy(progress_.data(), ensemble_.progress, progress_.size() * sizeof(Progress), stream_);
      wait(stream_);
    });
    std::vector<int32_t> left;
    for (int32_t index : listed)
      if (!progress_[index].diverged && progress_[index].epoch < ensemble_.networks[index].epochs)
        left.push_back(index);
    return left;
  }

  // (parameters, best epoch, training losses, validation losses, scores, step losses, diverged)
  py::tuple result(int32_t index) const {
    const EnsembleNetwork& network = ensemble_.networks[index];
    std::vector<float> padded(network.shape.parameters());
    py::array_t<double> train(network.epochs), valid(network.epochs), score(network.epochs);
    Floats steps(network.recorded);
    double* curves[] = {train.mutable_data(), valid.mutable_data(), score.mutable_data()};
    float* losses = steps.mutable_data();
    run([&] {
      copy(padded.data(), network.best, padded.size() * sizeof(float), stream_);
      for (int i = 0; i < 3; ++i)
        copy(curves[i], network.curves + i * network.epochs, network.epochs * sizeof(double), stream_);
      copy(losses, network.step_losses, network.recorded * sizeof(float), stream_);
      wait(stream_);
    });
    std::vector<float> own;
    for_each_parameter(network.shape, [&](int64_t at, int64_t) { own.push_back(padded[at]); });
    Floats parameters(static_cast<py::ssize_t>(own.size()));
    std::copy(own.begin(), own.end(), parameters.mutable_data());
    const Progress& progress = progress_[index];
    return py::make_tuple(parameters, progress.best_epoch, train, valid, score, steps,
                          progress.diverged);
  }

 private:
  Samples samples_at(const BoundSamples& samples) const {
    const auto& [count, inputs, targets] = samples;
    return {count, pointer_to<const float>(inputs),
            {pointer_to<const int32_t>(targets), pointer_to<const float>(targets)}};
  }

  template <class Body>
  void run(Body&& body) const {
    const py::gil_scoped_release released;
    const DeviceGuard guard(device_);
    body();
  }

  Ensemble ensemble_{};
  std::vector<Progress> progress_;
  int64_t recorded_;
  int device_ = 0;
  Stream stream_{};
};

}  // namespace

void bind_mlp_ensemble(py::module_& module) {
  py::class_<BoundEnsemble>(module, "MlpEnsemble")
      .def(py::init<const std::string&, int, float, int64_t>(), py::arg("loss"),
           py::arg("batch_size"), py::arg("clip"), py::arg("recorded"))
      .def("add", &BoundEnsemble::add, py::arg("network"), py::arg("inputs"), py::arg("outputs"),
           py::arg("training"), py::arg("validation"))
      .def("bytes", &BoundEnsemble::bytes)
      .def("start", &BoundEnsemble::start, py::arg("device"), py::arg("workspace"),
           py::arg("parameters"), py::arg("stream"))
      .def("train", &BoundEnsemble::train, py::arg("listed"), py::arg("epochs"))
      .def("result", &BoundEnsemble::result, py::arg("index"));
}

}  // namespace mmkernels::bindings
