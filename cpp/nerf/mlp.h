// SPDX-License-Identifier: Apache-2.0
// Small fully connected networks: values, gradients by inputs and parameters, and derivatives of both along tangents.
// docs/networks.md has the equations.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/small_floats.hd.h"

namespace fastcv::nerf {

// The order is that of fastcv.nerf.network.ACTIVATIONS.
enum class Activation { none, relu, leaky_relu, sigmoid, tanh, exp, softplus, squareplus };

// `hidden_layers` layers of `width`, then one of `outputs`. Parameters lie layer after layer: weights (rows, columns),
// then, where there are any, biases (rows,).
struct Mlp {
  int inputs, outputs, width, hidden_layers;
  bool bias;
  Activation activation, output_activation;

  FASTCV_HD int layers() const { return hidden_layers + 1; }
  FASTCV_HD int columns(int layer) const { return layer == 0 ? inputs : width; }
  FASTCV_HD int rows(int layer) const { return layer == hidden_layers ? outputs : width; }
  FASTCV_HD Activation activation_of(int layer) const {
    return layer == hidden_layers ? output_activation : activation;
  }
  FASTCV_HD int widest() const {
    const int ends = inputs > outputs ? inputs : outputs;
    return hidden_layers > 0 && width > ends ? width : ends;
  }
  // Of a layer, and of its first parameter.
  FASTCV_HD std::int64_t size(int layer) const { return std::int64_t(rows(layer)) * (columns(layer) + (bias ? 1 : 0)); }
  FASTCV_HD std::int64_t offset(int layer) const { return layer == 0 ? 0 : size(0) + (layer - 1) * size(1); }
  FASTCV_HD std::int64_t num_parameters() const { return offset(hidden_layers) + size(hidden_layers); }
};

// What arithmetic is done in, and what sums are kept in.
template <class T>
struct MlpArithmetic {
  using Type = float;
};
template <>
struct MlpArithmetic<double> {
  using Type = double;
};
template <class T>
using MlpReal = typename MlpArithmetic<T>::Type;

template <class T>
struct MlpArrays {
  const T *inputs, *parameters;                  // (rows, inputs), (num_parameters,)
  const T *input_tangents, *parameter_tangents;  // of the same shapes; null: 0
  std::int64_t rows;

  // Whether what is sought is the derivative along the tangents.
  FASTCV_HD bool along() const { return input_tangents != nullptr || parameter_tangents != nullptr; }
};

// Rows of a part: each has a sum of its own of the gradient by the parameters, and the parts are added in order. It
// depends on the work alone, so the sum does not depend on who did it. A row for 64 parameters at least, so that sums
// take little time and memory.
inline std::int64_t mlp_part(const Mlp& net, std::int64_t rows, std::int64_t most_parts) {
  constexpr std::int64_t kLeast = 512, kBlock = 64;
  const std::int64_t part = std::max({kLeast, net.num_parameters() / 64, (rows + most_parts - 1) / most_parts});
  return (part + kBlock - 1) / kBlock * kBlock;
}

// T is float, double, Half or Bfloat; the last two are storage, arithmetic is in float. num_threads 0 means the
// default; no result depends on it. out: (rows, outputs).
template <class T>
void mlp(const Mlp& net, const MlpArrays<T>& arrays, T* out, int num_threads);

// From the gradient by the outputs, (rows, outputs), those by the inputs and by the parameters; either may be null.
template <class T>
void mlp_vjp(const Mlp& net, const MlpArrays<T>& arrays, const T* grad, T* by_inputs, MlpReal<T>* by_parameters,
             int num_threads);

}  // namespace fastcv::nerf
