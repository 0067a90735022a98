// SPDX-License-Identifier: Apache-2.0
// Correspondences in the layout of the hot loops, and the loops themselves for this processor.
#pragma once

#include <cmath>
#include <limits>
#include <memory>

#include "geometry/columns.h"

namespace fastcv::geometry {

// Owns padded columns, whose rows the caller fills.
template <class T>
class ColumnStore {
 public:
  ColumnStore(std::int64_t rows, int num_columns)
      : rows_(rows),
        stride_((rows + kLanes - 1) / kLanes * kLanes),
        data_(std::make_unique_for_overwrite<T[]>(static_cast<std::size_t>(stride_ * num_columns))) {
    for (int column = 0; column < num_columns; ++column) {
      for (std::int64_t row = rows; row < stride_; ++row) (*this)(row, column) = std::numeric_limits<T>::quiet_NaN();
    }
  }

  T& operator()(std::int64_t row, int column) { return data_[static_cast<std::size_t>(column * stride_ + row)]; }
  T operator()(std::int64_t row, int column) const { return data_[static_cast<std::size_t>(column * stride_ + row)]; }
  std::int64_t rows() const { return rows_; }
  Columns<T> view() const { return {data_.get(), rows_, stride_}; }

 private:
  std::int64_t rows_, stride_;
  std::unique_ptr<T[]> data_;
};

// threshold in pixels. Stops early, with what it has, once score_to_beat is out of reach, or so far ahead of the score
// of the rows seen (2.5 standard deviations of a sum of independent gains) that it is unlikely to be reached: rows
// should come in random order. Below zero: never stops early. An idea of Chum & Matas 2008, "Optimal randomized
// RANSAC".
template <Residual kind, class T>
Consensus consensus(const T* model, Columns<T> columns, T threshold, double score_to_beat);

// Gauss-Newton for Tukey's biweight, which maximises the sum of squared gains: residuals are weighted by their gain, so
// that those near the threshold pull little and none jumps.
template <Residual kind>
void normal_equations(const double* model, Columns<double> columns, double threshold, NormalEquations* out);

}  // namespace fastcv::geometry
