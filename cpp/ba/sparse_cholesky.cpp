// SPDX-License-Identifier: Apache-2.0
// Ordering, symbolic and numerical factorisation, solution.
#include "ba/sparse_cholesky.h"

#include <Eigen/OrderingMethods>
#include <Eigen/SparseCore>
#include <algorithm>
#include <numeric>

#include "ba/cholesky.h"

namespace fastcv::ba {
namespace {

using Graph = std::vector<std::vector<std::int32_t>>;
using Ints = std::vector<std::int32_t>;

// Which nodes meet in a block of the matrix.
Graph meeting_nodes(const SchurMatrix& matrix, const Unknowns& unknowns) {
  const auto nodes_of = [&](std::int64_t image) {
    Ints nodes;
    for (int c = 0; c < unknowns.columns(); ++c) {
      const std::int32_t unknown = unknowns.of_image(image)[c];
      if (unknown >= 0) nodes.push_back(unknowns.node_of(unknown));
    }
    std::sort(nodes.begin(), nodes.end());
    nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
    return nodes;
  };
  std::vector<Ints> nodes(matrix.num_images());
  for (std::int64_t i = 0; i < matrix.num_images(); ++i) nodes[i] = nodes_of(i);
  Graph graph(unknowns.num_nodes());
  for (std::int64_t i = 0; i < matrix.num_images(); ++i) {
    for (std::int64_t b = matrix.row_begin(i); b < matrix.row_begin(i + 1); ++b) {
      for (const std::int32_t u : nodes[i]) {
        for (const std::int32_t v : nodes[matrix.column(b)]) {
          if (u == v) continue;
          graph[u].push_back(v);
          graph[v].push_back(u);
        }
      }
    }
    for (const std::int32_t u : nodes[i]) {  // keeps the lists short where many images share a camera
      if (graph[u].size() < 4096) continue;
      std::sort(graph[u].begin(), graph[u].end());
      graph[u].erase(std::unique(graph[u].begin(), graph[u].end()), graph[u].end());
    }
  }
  for (Ints& list : graph) {
    std::sort(list.begin(), list.end());
    list.erase(std::unique(list.begin(), list.end()), list.end());
  }
  return graph;
}

// Approximate minimum degree. Returns the node at each place of the order.
Ints minimum_degree(const Graph& graph) {
  const auto size = static_cast<Eigen::Index>(graph.size());
  std::vector<Eigen::Triplet<float, int>> entries;
  for (Eigen::Index u = 0; u < size; ++u) {
    entries.emplace_back(u, u, 1.F);
    for (const std::int32_t v : graph[u]) entries.emplace_back(u, v, 1.F);
  }
  Eigen::SparseMatrix<float, Eigen::ColMajor, int> pattern(size, size);
  pattern.setFromTriplets(entries.begin(), entries.end());
  Eigen::PermutationMatrix<Eigen::Dynamic, Eigen::Dynamic, int> order;
  Eigen::AMDOrdering<int>()(pattern, order);
  return Ints(order.indices().data(), order.indices().data() + size);
}

Ints inverse(const Ints& order) {
  Ints position(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) position[order[i]] = static_cast<std::int32_t>(i);
  return position;
}

// The elimination tree. Source: Liu 1990, "The role of elimination trees in sparse factorization".
Ints elimination_tree(const Graph& graph, const Ints& order, const Ints& position) {
  Ints parent(order.size(), -1), ancestor(order.size(), -1);
  for (std::int32_t j = 0; j < static_cast<std::int32_t>(order.size()); ++j) {
    for (const std::int32_t neighbour : graph[order[j]]) {
      for (std::int32_t i = position[neighbour]; i >= 0 && i < j;) {
        const std::int32_t next = ancestor[i];
        ancestor[i] = j;
        if (next < 0) parent[i] = j;
        i = next;
      }
    }
  }
  return parent;
}

// The same tree with every subtree in consecutive places: the new order of the old places.
Ints postorder(const Ints& parent) {
  const auto size = static_cast<std::int32_t>(parent.size());
  std::vector<Ints> children(size);
  for (std::int32_t j = 0; j < size; ++j) {
    if (parent[j] >= 0) children[parent[j]].push_back(j);
  }
  Ints order;
  std::vector<std::pair<std::int32_t, std::size_t>> stack;
  for (std::int32_t root = 0; root < size; ++root) {
    if (parent[root] >= 0) continue;
    stack.emplace_back(root, 0);
    while (!stack.empty()) {
      auto& [node, next] = stack.back();
      if (next < children[node].size()) {
        const std::int32_t child = children[node][next++];
        stack.emplace_back(child, 0);
      } else {
        order.push_back(node);
        stack.pop_back();
      }
    }
  }
  return order;
}

}  // namespace

SparseCholesky::SparseCholesky(const SchurMatrix& matrix, const Unknowns& unknowns, std::int64_t most_entries)
    : unknowns_(unknowns) {
  const Graph graph = meeting_nodes(matrix, unknowns);
  node_at_ = minimum_degree(graph);
  const Ints tree_order = postorder(elimination_tree(graph, node_at_, inverse(node_at_)));
  Ints order(node_at_.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = node_at_[tree_order[i]];
  node_at_ = order;
  position_ = inverse(node_at_);
  const Ints parent = elimination_tree(graph, node_at_, position_);

  // Rows below each column: the graph's, and those that its children hand on.
  const auto size = static_cast<std::int32_t>(node_at_.size());
  std::vector<Ints> below(size);
  Ints mark(size, -1);
  std::int64_t entries = 0;
  for (std::int32_t j = 0; j < size && feasible_; ++j) {
    Ints rows;
    const auto add = [&](std::int32_t i) {
      if (i <= j || mark[i] == j) return;
      mark[i] = j;
      rows.push_back(i);
    };
    for (const std::int32_t i : below[j]) add(i);
    for (const std::int32_t neighbour : graph[node_at_[j]]) add(position_[neighbour]);
    std::sort(rows.begin(), rows.end());
    if (parent[j] >= 0) below[parent[j]].insert(below[parent[j]].end(), rows.begin(), rows.end());
    std::int64_t count = unknowns.node_size(node_at_[j]);
    for (const std::int32_t i : rows) count += unknowns.node_size(node_at_[i]);
    entries += count * unknowns.node_size(node_at_[j]);
    feasible_ = entries <= most_entries;
    below[j] = std::move(rows);
  }
  if (!feasible_) return;
  find_fronts(below, parent);
  assign_blocks(matrix);
}

// Neighbouring columns become one front where they have the same rows, or almost: the zeros that are stored and
// computed with cost less than many small fronts.
void SparseCholesky::find_fronts(const Graph& below, const Ints& parent) {
  const auto size = static_cast<std::int32_t>(below.size());
  place_.assign(size + 1, 0);
  for (std::int32_t j = 0; j < size; ++j) place_[j + 1] = place_[j] + unknowns_.node_size(node_at_[j]);
  eliminated_.resize(unknowns_.count());
  for (std::int32_t j = 0; j < size; ++j) {
    std::iota(eliminated_.begin() + place_[j], eliminated_.begin() + place_[j + 1], unknowns_.node_begin(node_at_[j]));
  }
  struct Range {
    std::int32_t begin, end;
    double entries;
  };
  const auto rows_below = [&](std::int32_t j) {
    double rows = 0;
    for (const std::int32_t i : below[j]) rows += place_[i + 1] - place_[i];
    return rows;
  };
  std::vector<Range> ranges;
  for (std::int32_t j = 0; j < size; ++j) {
    const double width = place_[j + 1] - place_[j], rest = rows_below(j);
    Range range{j, j + 1, width * (width + 1) / 2 + width * rest};
    while (!ranges.empty() && parent[ranges.back().end - 1] == j && ranges.back().end == range.begin) {
      const Range& child = ranges.back();
      const double all = place_[range.end] - place_[child.begin];
      const double merged = all * (all + 1) / 2 + all * rest, zeros = merged - child.entries - range.entries;
      const bool narrow = all <= 32;
      if (zeros > (narrow ? 0.5 : 0.1) * merged) break;
      range = {child.begin, range.end, merged};
      ranges.pop_back();
    }
    ranges.push_back(range);
  }
  front_of_.assign(size, 0);
  fronts_.resize(ranges.size());
  for (std::size_t f = 0; f < ranges.size(); ++f) {
    Front& front = fronts_[f];
    const auto [begin, end, entries] = ranges[f];
    front.begin = place_[begin];
    front.end = place_[end];
    front.nodes.resize(end - begin);
    std::iota(front.nodes.begin(), front.nodes.end(), begin);
    const Ints& rest = below[end - 1];
    front.nodes.insert(front.nodes.end(), rest.begin(), rest.end());
    for (const std::int32_t node : front.nodes) front.num_rows += place_[node + 1] - place_[node];
    std::fill(front_of_.begin() + begin, front_of_.begin() + end, static_cast<std::int64_t>(f));
    for (std::int64_t k = 0; k < front.num_pivots(); ++k) {
      num_flops_ += static_cast<double>((front.num_rows - k) * (front.num_rows - k));
    }
  }
  for (std::size_t f = 0; f < fronts_.size(); ++f) {
    if (fronts_[f].num_rows == fronts_[f].num_pivots()) continue;
    fronts_[f].parent = front_of_[parent[ranges[f].end - 1]];
    fronts_[fronts_[f].parent].children.push_back(static_cast<std::int64_t>(f));
  }
  row_of_.assign(size, -1);
}

void SparseCholesky::assign_blocks(const SchurMatrix& matrix) {
  block_rows_.resize(matrix.row_begin(matrix.num_images()));
  const auto places = [&](std::int64_t image) {  // in the elimination order of nodes: at most two
    Ints nodes;
    for (int c = 0; c < unknowns_.columns(); ++c) {
      const std::int32_t unknown = unknowns_.of_image(image)[c];
      if (unknown < 0) continue;
      const std::int32_t node = position_[unknowns_.node_of(unknown)];
      if (nodes.empty() || nodes.back() != node) nodes.push_back(node);
    }
    return nodes;
  };
  std::vector<Ints> nodes(matrix.num_images());
  for (std::int64_t i = 0; i < matrix.num_images(); ++i) nodes[i] = places(i);
  for (std::int64_t i = 0; i < matrix.num_images(); ++i) {
    for (std::int64_t b = matrix.row_begin(i); b < matrix.row_begin(i + 1); ++b) {
      block_rows_[b] = i;
      for (const std::int32_t u : nodes[i]) {
        for (const std::int32_t v : nodes[matrix.column(b)]) {
          std::vector<std::int64_t>& blocks = fronts_[front_of_[std::min(u, v)]].blocks;
          if (blocks.empty() || blocks.back() != b) blocks.push_back(b);
        }
      }
    }
  }
}

void SparseCholesky::place(const Front& front) {
  std::int64_t row = 0;
  for (const std::int32_t node : front.nodes) {
    row_of_[node] = row;
    row += place_[node + 1] - place_[node];
  }
}

void SparseCholesky::add_block(const SchurMatrix& matrix, std::int64_t block, const Front& front, double* dense) const {
  const int columns = matrix.columns();
  const std::int64_t stride = padded_stride(front.num_rows), pivots = front.num_pivots();
  const std::int64_t row = block_rows_[block], column = matrix.column(block);
  const auto rows_in_front = [&](std::int64_t image, std::int64_t* rows) {
    for (int c = 0; c < columns; ++c) {
      const std::int32_t unknown = unknowns_.of_image(image)[c];
      rows[c] = -1;
      if (unknown < 0) continue;
      const std::int32_t node = unknowns_.node_of(unknown);
      const std::int64_t first = row_of_[position_[node]];
      if (first >= 0) rows[c] = first + unknown - unknowns_.node_begin(node);
    }
  };
  std::int64_t to_rows[32], to_columns[32];
  rows_in_front(row, to_rows);
  rows_in_front(column, to_columns);
  const double* values = matrix.block(block);
  for (int r = 0; r < columns; ++r) {
    if (to_rows[r] < 0) continue;
    // Of the diagonal block one triangle is the whole matter; of another, an unknown that both images share is met
    // once here and once in the transposed block, which is not stored.
    const int end = row == column ? r + 1 : columns;
    for (int c = 0; c < end; ++c) {
      const std::int64_t i = std::max(to_rows[r], to_columns[c]), j = std::min(to_rows[r], to_columns[c]);
      if (j < 0 || j >= pivots) continue;
      const double value = values[block_index(columns, r, c)];
      dense[i * stride + j] += row != column && i == j ? 2 * value : value;
    }
  }
}

void SparseCholesky::add_child(Front& child, double* dense, std::int64_t stride) const {
  const std::int64_t pivots = child.num_pivots(), size = child.num_rows - pivots;
  std::vector<std::int64_t> rows;
  for (const std::int32_t node : child.nodes) {
    if (place_[node] < child.end) continue;
    for (std::int32_t i = place_[node]; i < place_[node + 1]; ++i) rows.push_back(row_of_[node] + i - place_[node]);
  }
  for (std::int64_t i = 0; i < size; ++i) {
    const double* from = child.update.data() + i * size;
    double* to = dense + rows[i] * stride;
    for (std::int64_t j = 0; j <= i; ++j) to[rows[j]] += from[j];
  }
  child.update = {};
}

bool SparseCholesky::factor(const SchurMatrix& matrix, const double* damping, int num_threads) {
  for (Front& front : fronts_) {
    const std::int64_t rows = front.num_rows, pivots = front.num_pivots(), stride = padded_stride(rows);
    const bool last = rows == pivots;
    Buffer<double> dense = last && front.factor.size() > 0 ? std::move(front.factor) : Buffer<double>(rows * stride);
    for (std::int64_t i = 0; i < rows; ++i) std::fill_n(dense.data() + i * stride, i + 1, 0.0);
    place(front);
    for (const std::int64_t block : front.blocks) add_block(matrix, block, front, dense.data());
    for (std::int64_t i = 0; i < pivots; ++i) dense[i * stride + i] += damping[eliminated_[front.begin + i]];
    for (const std::int64_t child : front.children) add_child(fronts_[child], dense.data(), stride);
    for (const std::int32_t node : front.nodes) row_of_[node] = -1;
    if (!factor_columns(dense.data(), rows, pivots, scratch_, num_threads)) return false;
    if (last) {
      front.factor = std::move(dense);
      front.stride = stride;
      continue;
    }
    front.stride = pivots;
    if (front.factor.size() == 0) front.factor = Buffer<double>(rows * pivots);
    for (std::int64_t i = 0; i < rows; ++i) {
      std::copy_n(dense.data() + i * stride, pivots, front.factor.data() + i * pivots);
    }
    const std::int64_t size = rows - pivots;
    front.update = Buffer<double>(size * size);
    for (std::int64_t i = 0; i < size; ++i) {
      std::copy_n(dense.data() + (pivots + i) * stride + pivots, i + 1, front.update.data() + i * size);
    }
  }
  return true;
}

void SparseCholesky::solve(double* x) const {
  std::vector<double> y(eliminated_.size());
  for (std::size_t i = 0; i < y.size(); ++i) y[i] = x[eliminated_[i]];
  const auto rows_of = [&](const Front& front) {
    Ints rows;
    for (const std::int32_t node : front.nodes) {
      for (std::int32_t i = place_[node]; i < place_[node + 1]; ++i) rows.push_back(i);
    }
    return rows;
  };
  for (const Front& front : fronts_) {  // L y = x
    const Ints rows = rows_of(front);
    const std::int64_t pivots = front.num_pivots();
    const double* head = y.data() + front.begin;
    for (std::int64_t i = 0; i < front.num_rows; ++i) {
      const double* l = front.factor.data() + i * front.stride;
      const std::int64_t end = std::min(i, pivots);
      double sums[8] = {};  // so that the compiler can add in lanes
      std::int64_t k = 0;
      for (; k + 8 <= end; k += 8) {
        for (int lane = 0; lane < 8; ++lane) sums[lane] += l[k + lane] * head[k + lane];
      }
      for (; k < end; ++k) sums[0] += l[k] * head[k];
      double& value = y[rows[i]];
      for (const double sum : sums) value -= sum;
      if (i < pivots) value /= l[i];
    }
  }
  for (auto front = fronts_.rbegin(); front != fronts_.rend(); ++front) {  // Lᵀ x = y
    const Ints rows = rows_of(*front);
    const std::int64_t pivots = front->num_pivots();
    double* head = y.data() + front->begin;
    for (std::int64_t i = front->num_rows - 1; i >= 0; --i) {
      const double* l = front->factor.data() + i * front->stride;
      double& value = y[rows[i]];
      if (i < pivots) value /= l[i];
      const std::int64_t end = std::min(i, pivots);
      for (std::int64_t k = 0; k < end; ++k) head[k] -= l[k] * value;
    }
  }
  for (std::size_t i = 0; i < y.size(); ++i) x[eliminated_[i]] = y[i];
}

}  // namespace fastcv::ba
