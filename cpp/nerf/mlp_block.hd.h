// SPDX-License-Identifier: Apache-2.0
// A block of points through all layers of a network and back. Who multiplies matrices is an engine: vectors of a CPU,
// tensor cores, or one thread alone. Equations: docs/networks.md.
//
// An engine has the types Value (of matrices) and Sum (of gradients), the number kGap (see MlpPacking), and
//   product(out, stride, rows, columns, product)   out = start + the sum of terms, and not below 0 where rectified
//   add_product(out, stride, rows, columns, product)                              the same, added to Sums
//   add_columns(out, from, stride, rows, columns)                                 sums of columns, added to Sums
//   elements(rows, columns, stride, op)            op(lanes, i) for all elements
//   read(from, rows, columns, to, stride), write(from, stride, rows, columns, to) between arrays and matrices
// and may write to what lies in a matrix beside rows and columns.
#pragma once

#include "nerf/mlp_activation.hd.h"
#include "nerf/mlp_packing.hd.h"

namespace fastcv::FASTCV_ISA {

// The sum over t < depth of left(i, t) right[t][j], left(i, t) = left[i * left_row + t * left_depth].
template <class Value>
struct MlpTerm {
  const Value* left;
  std::int64_t left_row, left_depth;
  const Value* right;
  std::int64_t right_stride;
  int depth;
};

template <class Value>
struct MlpProduct {
  MlpTerm<Value> terms[2];
  int num_terms;
  const Value* start;  // a row; null: 0
  bool rectified;
};

// From a layer's sums to its values. A is an Activation, or the type of one that the compiler knows.
template <class Value, class A>
struct MlpActivate {
  A activation;
  Value* values;

  template <class Lanes>
  FASTCV_HD void operator()(Lanes lanes, std::int64_t i) const {
    lanes.store(values + i, activated(activation, lanes.load(values + i)));
  }
};

// From tangents of sums to those of values, or from the gradient by values to that by sums.
template <class Value, class A>
struct MlpChain {
  A activation;
  const Value* values;
  Value* out;

  template <class Lanes>
  FASTCV_HD void operator()(Lanes lanes, std::int64_t i) const {
    lanes.store(out + i, times_slope(activation, lanes.load(values + i), lanes.load(out + i)));
  }
};

// The latter, with its derivative along tangents.
template <class Value, class A>
struct MlpChainAlong {
  A activation;
  const Value *values, *tangents;
  Value *grads, *grad_tangents;

  template <class Lanes>
  FASTCV_HD void operator()(Lanes lanes, std::int64_t i) const {
    const auto a = lanes.load(values + i), grad = lanes.load(grads + i);
    const auto bent = times_slope_change(activation, a, grad * lanes.load(tangents + i));
    lanes.store(grads + i, times_slope(activation, a, grad));
    lanes.store(grad_tangents + i, times_slope(activation, a, lanes.load(grad_tangents + i)) + bent);
  }
};

struct MlpRelu {
  FASTCV_HD operator nerf::Activation() const { return nerf::Activation::relu; }
};

// Calls body(activation), the commonest as a constant: a choice for each vector would take as long as all the rest.
template <class Body>
FASTCV_HD void with_activation(nerf::Activation activation, const Body& body) {
  if (activation == nerf::Activation::none) return;
  activation == nerf::Activation::relu ? body(MlpRelu{}) : body(activation);
}

template <class Engine>
struct MlpBlock {
  using Value = typename Engine::Value;
  using Sum = typename Engine::Sum;
  using Term = MlpTerm<Value>;
  using Packing = MlpPacking<Engine::kGap>;

  Engine engine;
  Packing packing;
  const Value *weights, *weight_tangents;  // packed; the second may be null
  bool along;                              // tangents, of weights or of inputs
  bool keeps;                              // the values of all layers, for going back
  int points;                              // room for so many, a multiple of 16
  Value* work;

  // Values that `work` has room for.
  FASTCV_HD static std::int64_t work_size(const Packing& packing, bool along, bool keeps, int points) {
    const int matrices = keeps ? packing.net.layers() + 3 : 2;
    return matrices * (along ? 2 : 1) * points * packing.widest_stride();
  }
  FASTCV_HD Value* values(int layer) const { return matrix(keeps ? layer : layer % 2); }
  FASTCV_HD Value* tangents(int layer) const { return values(layer) + half(); }
  FASTCV_HD Value* grads(int side) const { return matrix(packing.net.layers() + 1 + side); }
  FASTCV_HD Value* grad_tangents(int side) const { return grads(side) + half(); }

  // Inputs, as values(0), through the first `layers` layers, to values(layers).
  FASTCV_HD void forward(int rows, int layers) const {
    const nerf::Mlp& net = packing.net;
    const std::int64_t stride = packing.widest_stride();
    for (int l = 0; l < layers; ++l) {
      const nerf::Activation activation = net.activation_of(l);
      const bool is_relu = activation == nerf::Activation::relu;
      const Term term = from(values(l), weights + packing.forward(l), l);
      engine.product(values(l + 1), stride, rows, net.rows(l), {{term}, 1, weights + packing.bias(l), is_relu});
      if (!is_relu) {
        with_activation(activation, [&](auto a) {
          engine.elements(rows, net.rows(l), stride, MlpActivate<Value, decltype(a)>{a, values(l + 1)});
        });
      }
      if (along) forward_along(rows, l);
    }
  }

  // The gradient by outputs, as grads(0), back to that by inputs, as grads of the side that is returned; `sums` (may be
  // null) gets the gradient by parameters added. Along tangents: the derivatives of both.
  FASTCV_HD int backward(int rows, Sum* sums, bool to_inputs) const {
    const nerf::Mlp& net = packing.net;
    int side = 0;
    for (int l = net.hidden_layers; l >= 0; --l) {
      with_activation(net.activation_of(l), [&](auto a) {
        using A = decltype(a);
        const int columns = net.rows(l);
        const std::int64_t stride = packing.widest_stride();
        if (along) {
          engine.elements(rows, columns, stride,
                          MlpChainAlong<Value, A>{a, values(l + 1), tangents(l + 1), grads(side), grad_tangents(side)});
        } else {
          engine.elements(rows, columns, stride, MlpChain<Value, A>{a, values(l + 1), grads(side)});
        }
      });
      if (sums != nullptr) add_to(sums, rows, l, side);
      if (l == 0 && !to_inputs) break;
      to_layer_below(rows, l, side);
      side = 1 - side;
    }
    return side;
  }

 private:
  FASTCV_HD Value* matrix(int i) const { return work + i * points * packing.widest_stride(); }
  FASTCV_HD std::int64_t half() const { return work_size(packing, false, keeps, points); }

  FASTCV_HD Term from(const Value* values, const Value* matrix, int layer) const {
    return {values,
            packing.widest_stride(),
            1,
            matrix,
            Packing::stride(packing.net.rows(layer)),
            packing.net.columns(layer)};
  }
  FASTCV_HD Term back(const Value* grads, const Value* matrix, int layer) const {
    return {grads,
            packing.widest_stride(),
            1,
            matrix,
            Packing::stride(packing.net.columns(layer)),
            packing.net.rows(layer)};
  }
  FASTCV_HD Term outer(const Value* grads, const Value* values, int rows) const {
    return {grads, 1, packing.widest_stride(), values, packing.widest_stride(), rows};
  }

  FASTCV_HD void forward_along(int rows, int l) const {
    const std::int64_t stride = packing.widest_stride();
    const int columns = packing.net.rows(l);
    MlpProduct<Value> product{{from(tangents(l), weights + packing.forward(l), l)}, 1, nullptr, false};
    if (weight_tangents != nullptr) {
      product.start = weight_tangents + packing.bias(l);
      product.terms[product.num_terms++] = from(values(l), weight_tangents + packing.forward(l), l);
    }
    engine.product(tangents(l + 1), stride, rows, columns, product);
    with_activation(packing.net.activation_of(l), [&](auto a) {
      engine.elements(rows, columns, stride, MlpChain<Value, decltype(a)>{a, values(l + 1), tangents(l + 1)});
    });
  }

  FASTCV_HD void add_to(Sum* sums, int rows, int l, int side) const {
    const nerf::Mlp& net = packing.net;
    MlpProduct<Value> product{{outer(grads(side), values(l), rows)}, 1, nullptr, false};
    if (along) {
      product = {
          {outer(grad_tangents(side), values(l), rows), outer(grads(side), tangents(l), rows)}, 2, nullptr, false};
    }
    engine.add_product(sums + packing.weight_sums(l), Packing::stride(net.columns(l)), net.rows(l), net.columns(l),
                       product);
    if (!net.bias) return;
    engine.add_columns(sums + packing.bias_sums(l), along ? grad_tangents(side) : grads(side), packing.widest_stride(),
                       rows, net.rows(l));
  }

  FASTCV_HD void to_layer_below(int rows, int l, int side) const {
    const int columns = packing.net.columns(l);
    const std::int64_t stride = packing.widest_stride();
    const Term term = back(grads(side), weights + packing.backward(l), l);
    if (l > 0 || !along) engine.product(grads(1 - side), stride, rows, columns, {{term}, 1, nullptr, false});
    if (!along) return;
    MlpProduct<Value> product{{back(grad_tangents(side), weights + packing.backward(l), l)}, 1, nullptr, false};
    if (weight_tangents != nullptr) {
      product.terms[product.num_terms++] = back(grads(side), weight_tangents + packing.backward(l), l);
    }
    engine.product(grad_tangents(1 - side), stride, rows, columns, product);
  }
};

template <class Engine, class T>
FASTCV_HD void read_inputs(const MlpBlock<Engine>& block, const nerf::MlpArrays<T>& arrays, std::int64_t i, int rows) {
  const int columns = block.packing.net.inputs;
  const std::int64_t stride = block.packing.widest_stride();
  block.engine.read(arrays.inputs + i * columns, rows, columns, block.values(0), stride);
  if (!block.along) return;
  const T* tangents = arrays.input_tangents == nullptr ? nullptr : arrays.input_tangents + i * columns;
  block.engine.read(tangents, rows, columns, block.tangents(0), stride);
}

// Rows [begin, end) of the arrays, block by block; out: (rows, outputs).
template <class Engine, class T>
FASTCV_HD void mlp_rows(const MlpBlock<Engine>& block, const nerf::MlpArrays<T>& arrays, std::int64_t begin,
                        std::int64_t end, T* out) {
  const nerf::Mlp& net = block.packing.net;
  const std::int64_t stride = block.packing.widest_stride();
  for (std::int64_t i = begin; i < end; i += block.points) {
    const int rows = static_cast<int>(end - i < block.points ? end - i : block.points);
    read_inputs(block, arrays, i, rows);
    block.forward(rows, net.layers());
    const auto* result = block.along ? block.tangents(net.layers()) : block.values(net.layers());
    block.engine.write(result, stride, rows, net.outputs, out + i * net.outputs);
  }
}

// by_inputs: (rows, inputs), sums: packed; either may be null.
template <class Engine, class T>
FASTCV_HD void mlp_rows_vjp(const MlpBlock<Engine>& block, const nerf::MlpArrays<T>& arrays, std::int64_t begin,
                            std::int64_t end, const T* grad, T* by_inputs, typename Engine::Sum* sums) {
  const nerf::Mlp& net = block.packing.net;
  const std::int64_t stride = block.packing.widest_stride();
  const int layers = net.layers() - (net.output_activation == nerf::Activation::none ? 1 : 0);
  for (std::int64_t i = begin; i < end; i += block.points) {
    const int rows = static_cast<int>(end - i < block.points ? end - i : block.points);
    read_inputs(block, arrays, i, rows);
    block.forward(rows, layers);
    block.engine.read(grad + i * net.outputs, rows, net.outputs, block.grads(0), stride);
    if (block.along)
      block.engine.read(static_cast<const T*>(nullptr), rows, net.outputs, block.grad_tangents(0), stride);
    const int side = block.backward(rows, sums, by_inputs != nullptr);
    if (by_inputs == nullptr) continue;
    const auto* result = block.along ? block.grad_tangents(side) : block.grads(side);
    block.engine.write(result, stride, rows, net.inputs, by_inputs + i * net.inputs);
  }
}

}  // namespace fastcv::FASTCV_ISA
