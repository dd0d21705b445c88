"""Does alignment between modalities emerge, does it predict performance, should one enforce it?"""
