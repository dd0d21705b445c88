"""How alike the layers of many models are: every pair of models, every pair of their layers.

models       the models of a directory, a file of features each
requests     what is asked: a metric, its options, what is done to the features before
layers       a model's layers, prepared once for a metric
null         what the best pair of layers would score if the samples were paired at random
run          every pair of two directories, kept on disk as they are finished
gallery      neighbours among ever more candidates, in one pass over them
"""
