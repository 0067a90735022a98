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

// Parameters to their places; what is in between holds zeros. Rows are those of all layers, one after the other.
template <class Value, class T, int kGap>
struct MlpPack {
  MlpPacking<kGap> packing;
  const T* parameters;
  Value* packed;

  FASTCV_HD std::int64_t rows() const {
    return std::int64_t(packing.net.hidden_layers) * packing.net.width + packing.net.outputs;
  }
  // A row's weights and, last, its bias: columns [begin, end) as far as there are so many.
  FASTCV_HD void row(std::int64_t i, int begin, int end) const {
    const nerf::Mlp& net = packing.net;
    const int layer = i / net.width < net.hidden_layers ? int(i / net.width) : net.hidden_layers;
    const int row = int(i - std::int64_t(layer) * net.width), rows = net.rows(layer), columns = net.columns(layer);
    const T* weights = parameters + net.offset(layer) + std::int64_t(row) * columns;
    Value* forward = packed + packing.forward(layer) + row;
    Value* backward = packed + packing.backward(layer) + row * packing.stride(columns);
    for (int k = begin; k < end && k < columns; ++k) {
      forward[k * packing.stride(rows)] = backward[k] = as<Value>(real(weights[k]));
    }
    if (!net.bias || begin > columns || end <= columns) return;
    const T* biases = parameters + net.offset(layer) + std::int64_t(rows) * columns;
    packed[packing.bias(layer) + row] = as<Value>(real(biases[row]));
  }
};

// Parameter i's gradient from those of the parts, in order.
template <class Real, int kGap>
struct MlpAddParts {
  MlpPacking<kGap> packing;
  const Real* sums;
  std::int64_t parts;
  Real* out;

  FASTCV_HD std::int64_t place(std::int64_t i) const {
    const nerf::Mlp& net = packing.net;
    int layer = 0;
    while (i >= net.size(layer)) i -= net.size(layer++);
    const std::int64_t columns = net.columns(layer), weights = columns * net.rows(layer);
    if (i >= weights) return packing.bias_sums(layer) + i - weights;
    return packing.weight_sums(layer) + i / columns * packing.stride(int(columns)) + i % columns;
  }
  FASTCV_HD void operator()(std::int64_t i) const {
    const Real* from = sums + place(i);
    Real sum = 0;
    for (std::int64_t part = 0; part < parts; ++part) sum += from[part * packing.sums()];
    out[i] = sum;
  }
};

}  // namespace fastcv::FASTCV_ISA
