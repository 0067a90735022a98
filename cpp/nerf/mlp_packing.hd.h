// SPDX-License-Identifier: Apache-2.0
// Where a network's matrices lie while it runs: rows and columns in multiples of 16, for vectors and tensor cores, with
// zeros in what is added.
#pragma once

#include "nerf/mlp.h"
#include "nerf/mlp_numbers.hd.h"

namespace fastcv::FASTCV_ISA {

// Rows are kGap values longer than their columns: rows a power of two apart would share a few lines of the cache.
template <int kGap>
struct MlpPacking {
  nerf::Mlp net;

  FASTCV_HD static std::int64_t padded(int size) { return (size + 15) / 16 * 16; }
  FASTCV_HD static std::int64_t stride(int columns) { return padded(columns) + kGap; }
  FASTCV_HD std::int64_t widest_stride() const { return stride(net.widest()); }

  // Weights as (columns, rows), for going forward; as (rows, columns), for going back; biases.
  FASTCV_HD std::int64_t forward(int layer) const {
    return layer == 0 ? 0 : layer_size(0) + (layer - 1) * layer_size(1);
  }
  FASTCV_HD std::int64_t backward(int layer) const { return forward(layer) + forward_size(layer); }
  FASTCV_HD std::int64_t bias(int layer) const { return backward(layer) + backward_size(layer); }
  FASTCV_HD std::int64_t size() const { return forward(net.hidden_layers) + layer_size(net.hidden_layers); }

  // The gradient by weights (rows, columns) and biases.
  FASTCV_HD std::int64_t weight_sums(int layer) const { return layer == 0 ? 0 : sums_of(0) + (layer - 1) * sums_of(1); }
  FASTCV_HD std::int64_t bias_sums(int layer) const { return weight_sums(layer) + backward_size(layer); }
  FASTCV_HD std::int64_t sums() const { return weight_sums(net.hidden_layers) + sums_of(net.hidden_layers); }

 private:
  FASTCV_HD std::int64_t forward_size(int layer) const { return padded(net.columns(layer)) * stride(net.rows(layer)); }
  FASTCV_HD std::int64_t backward_size(int layer) const { return padded(net.rows(layer)) * stride(net.columns(layer)); }
  FASTCV_HD std::int64_t layer_size(int layer) const {
    return forward_size(layer) + backward_size(layer) + padded(net.rows(layer));
  }
  FASTCV_HD std::int64_t sums_of(int layer) const { return backward_size(layer) + padded(net.rows(layer)); }
};

// One row of a layer; rows are counted through all layers.
struct MlpRow {
  int layer, row, rows, columns;
  std::int64_t weights, bias;  // in the parameters

  FASTCV_HD static std::int64_t count(const nerf::Mlp& net) {
    return std::int64_t(net.hidden_layers) * net.width + net.outputs;
  }
  FASTCV_HD MlpRow(const nerf::Mlp& net, std::int64_t i)
      : layer(i / net.width < net.hidden_layers ? int(i / net.width) : net.hidden_layers),
        row(int(i - std::int64_t(layer) * net.width)),
        rows(net.rows(layer)),
        columns(net.columns(layer)),
        weights(net.offset(layer) + std::int64_t(row) * columns),
        bias(net.offset(layer) + std::int64_t(rows) * columns + row) {}
};

// Parameters to their places; what is in between holds zeros. Of row i columns [begin, end) as far as there are so
// many; its bias counts as the last.
template <class Value, class T, int kGap>
struct MlpPack {
  MlpPacking<kGap> packing;
  const T* parameters;
  Value* packed;

  FASTCV_HD void operator()(std::int64_t i, int begin, int end) const {
    const MlpRow at(packing.net, i);
    const T* weights = parameters + at.weights;
    Value* forward = packed + packing.forward(at.layer) + at.row;
    Value* backward = packed + packing.backward(at.layer) + at.row * packing.stride(at.columns);
    const std::int64_t stride = packing.stride(at.rows);
    for (int k = begin; k < end && k < at.columns; ++k) {
      forward[k * stride] = backward[k] = as<Value>(real(weights[k]));
    }
    if (!packing.net.bias || begin > at.columns || end <= at.columns) return;
    packed[packing.bias(at.layer) + at.row] = as<Value>(real(parameters[at.bias]));
  }
};

// Likewise back: the gradient by the parameters from that of the parts, in order.
template <class Real, int kGap>
struct MlpAddParts {
  MlpPacking<kGap> packing;
  const Real* sums;
  std::int64_t parts;
  Real* out;

  FASTCV_HD void operator()(std::int64_t i, int begin, int end) const {
    const MlpRow at(packing.net, i);
    const Real* weights = sums + packing.weight_sums(at.layer) + at.row * packing.stride(at.columns);
    add(weights, begin, end < at.columns ? end : at.columns, out + at.weights);
    if (!packing.net.bias || begin > at.columns || end <= at.columns) return;
    add(sums + packing.bias_sums(at.layer) + at.row, 0, 1, out + at.bias);
  }

 private:
  FASTCV_HD void add(const Real* from, int begin, int end, Real* to) const {
    const std::int64_t stride = packing.sums();
    for (int k = begin; k < end; ++k) to[k] = 0;
    for (std::int64_t part = 0; part < parts; ++part, from += stride) {
      for (int k = begin; k < end; ++k) to[k] += from[k];
    }
  }
};

}  // namespace fastcv::FASTCV_ISA
