"""What the pipelines are made from, and what their cards say of it."""

SOURCES = [
    {
        "name": "wikigold",
        "author": "Balasuriya et al. 2009",
        "license": "CC BY 4.0",
        "url": "https://aclanthology.org/W09-3302/",
    },
    {
        "name": "Broad Twitter Corpus",
        "author": "Derczynski et al. 2016",
        "license": "CC BY 4.0",
        "url": "https://aclanthology.org/C16-1111/",
    },
    {
        "name": "Universal NER, English Web Treebank",
        "author": "Mayhew et al. 2024",
        "license": "CC BY-SA 4.0",
        "url": "https://www.universalner.org/",
    },
    {
        "name": "GUM (genres under CC BY)",
        "author": "Zeldes 2017",
        "license": "CC BY 4.0",
        "url": "https://gucorpling.org/gum/",
    },
    {
        "name": "CrossNER",
        "author": "Liu et al. 2021",
        "license": "MIT",
        "url": "https://github.com/zliucr/CrossNER",
    },
    {
        "name": "GloVe 6B, 50 dimensions",
        "author": "Pennington et al. 2014",
        "license": "PDDL 1.0",
        "url": "https://nlp.stanford.edu/projects/glove/",
    },
    {
        "name": "Brown clusters of spacy-lookups-data",
        "author": "Explosion",
        "license": "MIT",
        "url": "https://github.com/explosion/spacy-lookups-data",
    },
]
TEACHERS = [
    {
        "name": f"{name} 3.8.0, which labeled what the corpora do not",
        "author": "Explosion",
        "license": "MIT",
        "url": f"https://github.com/explosion/spacy-models/releases/tag/{name}-3.8.0",
    }
    for name in ("en_core_web_md", "en_core_web_sm")
]
WEB_TEXTS = {
    "name": "UD_English-EWT (texts of the training part)",
    "author": "Silveira et al. 2014",
    "license": "CC BY-SA 4.0",
    "url": "https://github.com/UniversalDependencies/UD_English-EWT",
}
GENERATED = {
    "name": "Faker (names of people, cities and countries)",
    "author": "Daniele Faraglia and contributors",
    "license": "MIT",
    "url": "https://github.com/joke2k/faker",
}
# Corpora whose texts alone are used, and how many of their sentences.
TEXTS = {"sec": 1200, "re3d": 1000, "re3d-wikipedia": 1000, "ncbi": 500, "craft": 300, "bc2gm": 300}
