// SPDX-License-Identifier: Apache-2.0
// A problem rearranged for the solver: observations sorted by point, chunks of points, unknowns of images and cameras.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "ba/equations.h"
#include "ba/problem.h"

namespace fastcv::ba {

// Memory that kernels fill, so nothing is written at allocation.
template <class T>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::int64_t size) : data_(new T[size]), size_(size) {}
  Buffer(Buffer&& other) noexcept : data_(std::move(other.data_)), size_(std::exchange(other.size_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    data_ = std::move(other.data_);
    size_ = std::exchange(other.size_, 0);
    return *this;
  }
  T* data() const { return data_.get(); }
  std::int64_t size() const { return size_; }
  T& operator[](std::int64_t i) const { return data_[i]; }

 private:
  std::unique_ptr<T[]> data_;
  std::int64_t size_ = 0;
};

// Owns what Equations and Lenses point to, but for what they share with the problem: observations too, where these come
// sorted by point, then by image.
class Arrangement {
 public:
  explicit Arrangement(const Problem& problem);

  const Equations& equations() const { return equations_; }
  const Lenses& lenses() const { return lenses_; }
  std::int64_t num_chunks() const { return static_cast<std::int64_t>(chunks_.size()); }
  std::int64_t longest_track() const { return longest_track_; }
  // Of free images' observations of the same free point, each with itself among them.
  double num_pairs() const;

  // Sums the chunks' partial rows for each image, in the order of the chunks: (num_images, columns).
  void add_partials(double* sums, int num_threads) const;

 private:
  void place_observations(const Problem& problem);
  void sort(const Problem& problem);
  void choose_columns(const Problem& problem);
  void find_free_images(const Problem& problem);
  void cut_chunks();
  void list_by_image();

  Equations equations_{};
  Lenses lenses_{};
  std::unique_ptr<bool[]> image_free_;
  std::int64_t longest_track_ = 0;
  std::vector<Chunk> chunks_;
  std::vector<std::int32_t> chunk_images_;
  // For each image, the rows of `partial` that belong to it.
  std::vector<std::int64_t> image_partials_begin_, image_partials_;
  std::vector<std::uint8_t> free_params_, num_free_;
  std::vector<std::int64_t> point_begin_, image_begin_;
  Buffer<std::int64_t> by_image_;
  Buffer<std::uint32_t> local_;
  Buffer<std::int32_t> image_points_;
  Buffer<std::int32_t> images_, points_;  // sorted copies, or empty
  Buffer<double> observed_, weights_, whitening_;
  Buffer<double> point_hessian_, point_gradient_, point_inverse_, partial_;
  Buffer<float> jacobian_;
};

}  // namespace fastcv::ba
