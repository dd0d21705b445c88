// Many small multi-layer perceptrons, each trained by a block of its own as PyTorch would train it
// alone: AdamW, the gradient's norm clipped, the parameters of the best epoch kept.
#pragma once

#include <device/runtime.cuh>

#include <cstdint>
#include <vector>

#include "mlp_layout.hpp"
#include "workspace.hpp"

namespace mmkernels::cuda {

enum class TrainingLoss { cross_entropy, l1, mse };

// Of a classification classes [n], of a regression values [n][outputs].
struct Targets {
  const int32_t* classes;
  const float* values;
};

// Samples in device memory: rows of the inputs, padded to a multiple of 4 with zeros.
struct Samples {
  int64_t count;
  const float* inputs;
  Targets targets;
};

// Where a network's training stands.
struct Progress {
  int64_t epoch;       // epochs done
  int64_t best_epoch;  // from 1; 0: none
  int64_t diverged;    // the epoch whose loss was not finite, from 1; 0: none
  double best_score;
  double first_power, second_power;  // decays of the moments to the power of the steps done
};

struct EnsembleNetwork {
  NetworkShape shape;
  bool is_tanh;
  float slope;  // of the others, below zero
  double learning_rate;
  float kept;  // 1 - learning rate times weight decay
  int64_t epochs;
  uint64_t order;
  Samples training, validation;
  int chunk;          // samples that a block works on at once
  bool is_in_shared;  // all of BlockLayout
  // Below: in device memory. Parameters are padded, see NetworkShape.
  float *parameters, *best;
  float *first, *second;  // moments
  float* scratch;         // BlockLayout, where it is not in shared memory
  uint32_t* visited;      // [training.count] the order of the epoch
  double* curves;         // [3][epochs] training loss, validation loss, score; NaN once diverged
  float* step_losses;     // [recorded]
  int64_t recorded;
  Progress* progress;
};

struct Ensemble {
  std::vector<EnsembleNetwork> networks;
  TrainingLoss loss;
  int batch_size;
  float clip;
  EnsembleNetwork* on_device;  // [networks]
  int32_t* listed;             // [networks] those that a launch trains
  Progress* progress;          // [networks]
};

// Chooses the chunk of a network, and whether its numbers fit into shared memory.
void place_network(EnsembleNetwork& network, int batch_size);

// Deals out the memory of all that is to be in device memory but the samples.
void take_ensemble(Ensemble& ensemble, Workspace& workspace);

// Once, after parameters were copied into EnsembleNetwork::parameters. Reads host memory.
void start_ensemble(const Ensemble& ensemble, Stream stream);

// Trains the networks listed, by their indices and best begun with the longest, for up to `epochs`
// epochs; ends those that are over at once. `listed` is host memory, which is read before return.
void train_epochs(const Ensemble& ensemble, const std::vector<int32_t>& listed, int64_t epochs,
                  Stream stream);

}  // namespace mmkernels::cuda
