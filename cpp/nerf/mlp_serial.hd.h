// SPDX-License-Identifier: Apache-2.0
// Networks one number after the other: what other engines are compared with, on a GPU too.
#pragma once

#include "nerf/mlp_block.hd.h"

namespace fastcv::FASTCV_ISA {

// P is float or double.
template <class P>
struct MlpSerial {
  using Value = P;
  using Sum = P;
  static constexpr int kGap = 0;

  struct Lanes {
    FASTCV_HD static P load(const P* from) { return *from; }
    FASTCV_HD static void store(P* to, P value) { *to = value; }
  };

  FASTCV_HD static P sum(const MlpProduct<P>& product, P start, int i, int j) {
    for (int k = 0; k < product.num_terms; ++k) {
      const MlpTerm<P>& term = product.terms[k];
      for (int t = 0; t < term.depth; ++t) {
        start += term.left[i * term.left_row + t * term.left_depth] * term.right[t * term.right_stride + j];
      }
    }
    return start;
  }
  FASTCV_HD void product(P* out, std::int64_t stride, int rows, int columns, const MlpProduct<P>& product) const {
    for (int i = 0; i < rows; ++i) {
      for (int j = 0; j < columns; ++j) {
        const P value = sum(product, product.start == nullptr ? P(0) : product.start[j], i, j);
        out[i * stride + j] = product.rectified && value < 0 ? P(0) : value;
      }
    }
  }
  FASTCV_HD void add_product(P* out, std::int64_t stride, int rows, int columns, const MlpProduct<P>& product) const {
    for (int i = 0; i < rows; ++i) {
      for (int j = 0; j < columns; ++j) out[i * stride + j] = sum(product, out[i * stride + j], i, j);
    }
  }
  FASTCV_HD void add_columns(P* out, const P* from, std::int64_t stride, int rows, int columns) const {
    for (int j = 0; j < columns; ++j) {
      for (int i = 0; i < rows; ++i) out[j] += from[i * stride + j];
    }
  }
  template <class Op>
  FASTCV_HD void elements(int rows, int columns, std::int64_t stride, const Op& op) const {
    for (int i = 0; i < rows; ++i) {
      for (int j = 0; j < columns; ++j) op(Lanes{}, i * stride + j);
    }
  }
  template <class T>
  FASTCV_HD void read(const T* from, int rows, int columns, P* to, std::int64_t stride) const {
    for (int i = 0; i < rows; ++i) {
      for (int j = 0; j < columns; ++j) to[i * stride + j] = from == nullptr ? P(0) : real(from[i * columns + j]);
    }
  }
  template <class T>
  FASTCV_HD void write(const P* from, std::int64_t stride, int rows, int columns, T* to) const {
    for (int i = 0; i < rows; ++i) {
      for (int j = 0; j < columns; ++j) to[i * columns + j] = as<T>(from[i * stride + j]);
    }
  }
};

}  // namespace fastcv::FASTCV_ISA
